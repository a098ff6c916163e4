#include "agent/doctor/sources.h"

#include <gtest/gtest.h>

#include "agent/doctor/test_support_internal.h"

namespace medic::doctor {
namespace {

using discovery::FakeOutside;
using discovery::look_once;
using discovery::whole_cluster;

// What collectors tell in tests of their own must be what the data says that they tell.
TEST(Sources, agree_with_what_the_collectors_told) {
    FakeOutside outside;
    const auto look = look_once(outside, whole_cluster());
    for (const Observation& one : look.observations) {
        const std::string part = one.target.substr(
            one.target.find('/') + 1, one.target.find('/', one.target.find('/') + 1) - one.target.find('/') - 1);
        for (const auto& [labels, value] : one.samples) {
            const CanonicalSeries* series = CanonicalNames::built_in().find(labels.name());
            ASSERT_NE(series, nullptr) << labels.name() << " is not in rules/canonical";
            EXPECT_EQ(series->told_by, part) << series->name << ": say `told_by: " << part << "` in rules/canonical";
        }
    }
}

TEST(Sources, series_of_tasks_are_not_missed_where_there_is_no_connector) {
    FakeOutside outside;
    ClusterConfig cluster = all_configured(outside);
    outside.bodies["http://worker-1:8083/connectors?expand=status&expand=info"] = "{}";
    outside.bodies["http://worker-1:7072/metrics"] = "kafka_connect_worker_metrics_task_count 0\n";
    const auto look = look_once(outside, cluster);
    EXPECT_TRUE(Sources(cluster, look).tells("connect_task_records_total"));
    cluster.pages.pop_back();
    EXPECT_FALSE(Sources(cluster, look_once(outside, cluster)).tells("connect_task_records_total"));
}

}  // namespace
}  // namespace medic::doctor
