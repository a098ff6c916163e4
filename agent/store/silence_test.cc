#include "agent/store/silence.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

using Op = LabelMatcher::Op;
const Subject broker{"prod", "broker", "2"};

bool hits(std::vector<LabelMatcher> matchers, const Subject& subject = broker,
          const std::map<Subject, std::vector<LabelPair>>& also_called = {}) {
    return concerns({.matchers = std::move(matchers)}, labels_of(subject, also_called));
}

TEST(Silence, all_four_kinds_of_matchers_compare_the_whole_value) {
    EXPECT_TRUE(hits({{"broker", Op::equal, "2"}}));
    EXPECT_FALSE(hits({{"broker", Op::equal, "22"}}));
    EXPECT_TRUE(hits({{"broker", Op::matches, "1|2"}}));
    EXPECT_FALSE(hits({{"cluster", Op::matches, "pro"}})) << "anchored, as in Alertmanager";
    EXPECT_TRUE(hits({{"cluster", Op::equal, "prod"}, {"broker", Op::not_equal, "3"}}));
    EXPECT_FALSE(hits({{"cluster", Op::equal, "prod"}, {"broker", Op::not_equal, "2"}}));
    EXPECT_FALSE(hits({{"cluster", Op::equal, "prod"}, {"broker", Op::not_matches, "2|3"}}));
    EXPECT_TRUE(hits({{"cluster", Op::equal, "prod"}, {"broker", Op::not_matches, "3|4"}}));
}

TEST(Silence, a_whole_cluster_is_silenced_by_its_name_and_another_one_is_not) {
    EXPECT_TRUE(hits({{"cluster", Op::equal, "prod"}}));
    EXPECT_FALSE(hits({{"cluster", Op::equal, "staging"}}));
    EXPECT_TRUE(hits({{"cluster", Op::equal, "prod"}}, {"prod", "job", "orders"}));
}

TEST(Silence, what_speaks_of_which_alert_counts_only_where_the_subject_is_named_closely) {
    EXPECT_TRUE(hits({{"alertname", Op::equal, "KafkaDown"}, {"broker", Op::equal, "2"}}));
    EXPECT_FALSE(hits({{"alertname", Op::equal, "Watchdog"}, {"cluster", Op::equal, "prod"}}))
        << "one alert's silence does not stop all healing of a cluster";
    EXPECT_FALSE(hits({{"alertname", Op::equal, "NodeDiskFull"}, {"host", Op::equal, "db7"}}));
    EXPECT_FALSE(hits({{"severity", Op::equal, "info"}, {"broker", Op::not_equal, "3"}})) << "it names nobody";
    EXPECT_FALSE(hits({}));
}

TEST(Silence, a_subject_is_known_by_its_parts_and_by_its_address) {
    EXPECT_TRUE(hits({{"connector", Op::equal, "orders"}}, {"prod", "connector-task", "orders/0"}));
    EXPECT_TRUE(
        hits({{"connector", Op::equal, "orders"}, {"task", Op::equal, "0"}}, {"prod", "connector-task", "orders/0"}));
    EXPECT_FALSE(hits({{"task", Op::equal, "1"}}, {"prod", "connector-task", "orders/0"}));
    EXPECT_TRUE(hits({{"job", Op::equal, "fraud"}}, {"prod", "vertex", "fraud/score"}));
    EXPECT_TRUE(hits({{"broker", Op::equal, "2"}}, {"prod", "log-dir", "2:/data"}));
    const std::map<Subject, std::vector<LabelPair>> names = {
        {broker, {{"node", "kafka-2"}, {"instance", "kafka-2:9404"}, {"instance", "kafka-2:9100"}}}};
    EXPECT_TRUE(hits({{"instance", Op::matches, "kafka-2:.*"}}, broker, names));
    EXPECT_TRUE(hits({{"instance", Op::equal, "kafka-2:9100"}, {"alertname", Op::equal, "X"}}, broker, names));
    EXPECT_FALSE(hits({{"instance", Op::matches, "kafka-3:.*"}}, broker, names));
    EXPECT_FALSE(hits({{"instance", Op::equal, "kafka-2:9404"}})) << "nobody knows its address";
}

TEST(Silence, it_is_told_with_who_until_when_and_why) {
    Silence one{.by = "ana", .comment = "new disks", .until = WallTime{1'795'874'400'000}};
    EXPECT_EQ(spoken(one), "silenced by ana until 2026-11-28 14:00 UTC: new disks");
    EXPECT_EQ(spoken({.kind = Silence::Kind::inhibition, .by = "alert 0a1b", .comment = "KafkaDown"}),
              "inhibited by alert 0a1b: KafkaDown");
    EXPECT_EQ(spoken({}), "silenced by somebody");
}

}  // namespace
}  // namespace medic
