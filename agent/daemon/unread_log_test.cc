// The fact {topic/NAME, "unread_ratio_max"}: by partition, and only while every reader is known.
#include "agent/daemon/unread_log.h"

#include <gtest/gtest.h>

#include "agent/daemon/knowledge.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

constexpr int partitions = 10;
constexpr double log_end = 1'000;
const Subject topic{"lab", "topic", "events"};

Config lab() {
    return load_config(R"(schema: 1
data_dir: d
clusters:
  lab:
    kafka: {bootstrap: [h:9092]}
    nodes:
      - {name: broker-1, role: broker, driver: {kind: command, status: [x]}}
)",
                       "medic.yaml")
        .value();
}

// One look at Kafka, as its collector tells it.
class Look {
public:
    explicit Look(int second) {
        seen_.target = "lab/kafka";
        seen_.at = {second * 1'000};
        seen_.attributes[topic]["partitions"] = std::to_string(partitions);
        for (int i = 0; i < partitions; ++i) {
            tell("kafka_partition_log_start_offset", i, 0);
            tell("kafka_partition_log_end_offset", i, log_end);
        }
    }
    Look& tell(const char* name, int partition, double value, const std::string& group = "") {
        std::vector<LabelPair> labels = {
            {"cluster", "lab"}, {"topic", topic.name}, {"partition", std::to_string(partition)}};
        if (!group.empty()) labels.emplace_back("group", group);
        std::erase_if(seen_.samples, [&](const auto& one) { return one.first == Labels(name, labels); });
        seen_.sample(name, labels, value);
        return *this;
    }
    Look& committed(const std::string& group, int partition, double offset) {
        return named(group).tell("kafka_group_committed_offset", partition, offset, group);
    }
    Look& reads_all(const std::string& group, double offset) {
        for (int i = 0; i < partitions; ++i) committed(group, i, offset);
        return *this;
    }
    Look& named(const std::string& group) {
        const Relation reads{{"lab", "group", group}, "reads", topic};
        if (std::ranges::find(seen_.relations, reads) == seen_.relations.end()) seen_.relations.push_back(reads);
        return *this;
    }
    Look& lacks(const std::string& what) {
        seen_.lacks(what);
        return *this;
    }
    Look& hides(const std::string& what) {
        seen_.attributes[{"lab", "cluster", "lab"}]["kafka_not_visible"] = what;
        return *this;
    }
    Look& without_end_of(int partition) {
        std::erase_if(seen_.samples, [&](const auto& one) {
            return one.first.name() == "kafka_partition_log_end_offset" &&
                   one.first.get("partition") == std::to_string(partition);
        });
        return *this;
    }
    [[nodiscard]] Observation done() const { return seen_; }

private:
    Observation seen_;
};

class UnreadLog : public testing::Test {
protected:
    void see(const Look& look) {
        Observation seen = look.done();
        at_ = seen.at;
        knowledge_.apply(std::move(seen));
    }
    [[nodiscard]] Fact fact() const {
        return knowledge_.fact({topic, std::string(unread_ratio_max)}, at_ + Duration{1'000});
    }

private:
    Config config_ = lab();
    Knowledge knowledge_{config_};
    WallTime at_;
};

// A sum over all would say that a tenth of the log is unread.
TEST_F(UnreadLog, OnePartitionThatIsWhollyUnreadIsNotDilutedByTheOthers) {
    see(Look(10).reads_all("audit", log_end).committed("audit", 7, 0));
    EXPECT_EQ(fact().value, 1);
    EXPECT_EQ(fact().observed_at, (WallTime{10'000}));
}

TEST_F(UnreadLog, TheSlowestGroupCounts) {
    see(Look(10).reads_all("audit", log_end).reads_all("billing", 900).committed("billing", 3, 700));
    EXPECT_DOUBLE_EQ(fact().value.value_or(-1), 0.3);
}

TEST_F(UnreadLog, WhereAGroupHasNoPositionItHasReadNothing) {
    see(Look(10).committed("audit", 0, log_end));
    EXPECT_EQ(fact().value, 1);
}

TEST_F(UnreadLog, WhatRetentionHasTakenAlreadyIsNotReadAnyMore) {
    see(Look(10).reads_all("audit", log_end).tell("kafka_partition_log_start_offset", 2, 800).committed("audit", 2, 5));
    EXPECT_EQ(fact().value, 1);
    see(Look(20)
            .reads_all("audit", log_end)
            .tell("kafka_partition_log_start_offset", 2, log_end)
            .committed("audit", 2, 5));
    EXPECT_EQ(fact().value, 0) << "nothing is left";
}

// Its coordinator answers no more, and the look does not say so.
TEST_F(UnreadLog, AGroupThatIsSilentWhileAnotherIsNotMakesItUnknown) {
    see(Look(10).reads_all("audit", log_end).reads_all("billing", 0));
    EXPECT_EQ(fact().value, 1);
    see(Look(30).reads_all("audit", log_end));
    EXPECT_FALSE(fact().known());
    see(Look(609).reads_all("audit", log_end));
    EXPECT_FALSE(fact().known());
    see(Look(611).reads_all("audit", log_end));
    EXPECT_EQ(fact().value, 0) << "it is gone";
}

TEST_F(UnreadLog, AGroupOfWhichOnlyItsTopicIsToldMakesItUnknown) {
    see(Look(10).reads_all("audit", log_end).named("billing"));
    EXPECT_FALSE(fact().known());
}

TEST_F(UnreadLog, IsUnknownAfterALookThatLacksSomething) {
    see(Look(10).reads_all("audit", log_end));
    EXPECT_TRUE(fact().known());
    see(Look(15).reads_all("audit", log_end).lacks("groups of broker 2: no answer within 2 s"));
    EXPECT_FALSE(fact().known());
}

TEST_F(UnreadLog, IsUnknownWhereAGroupsPositionsAreHidden) {
    see(Look(10).reads_all("audit", log_end).hides("quotas: not supported"));
    EXPECT_TRUE(fact().known());
    see(Look(15).reads_all("audit", log_end).hides("offsets of groups: group g: GROUP_AUTHORIZATION_FAILED"));
    EXPECT_FALSE(fact().known());
}

TEST_F(UnreadLog, IsUnknownWhileAPartitionsEndIsNot) {
    see(Look(10).reads_all("audit", log_end).without_end_of(4));
    EXPECT_FALSE(fact().known());
}

TEST_F(UnreadLog, OfATopicThatNoGroupReadsNobodyKnows) {
    see(Look(10));
    EXPECT_FALSE(fact().known());
}

}  // namespace
}  // namespace medic
