// From the Kafka collector's looks to what the analyzers find when no broker answers any more.
#include <gtest/gtest.h>

#include "agent/collectors/kafka/fake_kafka_internal.h"
#include "agent/daemon/knowledge.h"
#include "classifiers/analyzers/analyzer.h"

namespace medic {
namespace {

class SilentKafka : public testing::Test {
protected:
    static constexpr std::int64_t began_ms = 1'700'000'000'000;
    static constexpr int silent_from = 60;

    // Looks at the cluster once a second, at its process as `processes` says; findings of this id at the end.
    std::vector<Finding> found(std::string_view id, int seconds) {
        for (int second = 0; second <= seconds; ++second) {
            const WallTime at{began_ms + second * 1'000};
            kafka_.metadata_fails = second >= silent_from;
            Observation seen = collector_.look(kafka_, at);
            seen.relations.push_back({{"c", "broker", "2"}, "hosted-by", {"c", "node", "broker-2"}});
            knowledge_.apply(std::move(seen));
            knowledge_.apply(process(at, second));
        }
        const Now now{Instant{Duration{seconds * 1'000}}, {began_ms + seconds * 1'000}};
        auto all = analyzers::analyze({knowledge_.series(), knowledge_.timeline(), knowledge_.topology()}, now);
        std::erase_if(all, [&](const Finding& finding) { return finding.id != id; });
        return all;
    }
    Observation process(WallTime at, int second) const {
        Observation seen{.target = "c/process", .at = at};
        if (!process_told_) return seen;
        const std::vector<LabelPair> labels = {{"cluster", "c"}, {"node", "broker-2"}, {"role", "broker"}};
        const bool runs = second < silent_from || process_stays_;
        seen.sample("process_up", labels, runs ? 1 : 0);
        if (runs) seen.sample("process_cpu_seconds_total", labels, 0.1 * second);
        return seen;
    }

    Config config_ = load_config(R"(schema: 1
data_dir: d
clusters:
  c:
    kafka: {bootstrap: [h:9092]}
    nodes:
      - {name: broker-2, role: broker, driver: {kind: command, status: [x]}}
)",
                                 "medic.yaml")
                         .value();
    Knowledge knowledge_{config_};
    FakeKafka kafka_;
    KafkaCollector collector_ = collector();
    bool process_told_ = true, process_stays_ = false;
};

TEST_F(SilentKafka, ABrokerWhoseProcessIsGoneIsLost) {
    const auto lost = found("broker-lost", silent_from + 5);
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].subject, (Subject{"c", "broker", "2"}));
}

// As when the agent's own network is cut.
TEST_F(SilentKafka, NothingIsLostOrFrozenWhileTheProcessIsAtWork) {
    process_stays_ = true;
    EXPECT_TRUE(found("broker-lost", silent_from + 40).empty());
    EXPECT_TRUE(found("broker-frozen", silent_from + 40).empty());
}

TEST_F(SilentKafka, NothingIsLostWhereNobodyKnowsOfTheProcess) {
    process_told_ = false;
    EXPECT_TRUE(found("broker-lost", silent_from + 40).empty());
    EXPECT_TRUE(found("broker-frozen", silent_from + 40).empty());
}

}  // namespace
}  // namespace medic
