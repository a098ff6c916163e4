#include "agent/doctor/exporter.h"

#include <gtest/gtest.h>

#include "agent/collectors/prometheus/canonical.h"
#include "agent/doctor/sight.h"

namespace medic::doctor {
namespace {

TEST(Exporter, includes_exactly_the_beans_that_series_come_from) {
    const std::string kafka = *exporter_file("kafka-broker"), connect = *exporter_file("connect-worker");
    EXPECT_NE(kafka.find("  - \"kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec,*\"\n"), std::string::npos)
        << kafka;
    EXPECT_NE(kafka.find(R"(  - pattern: 'kafka\.server<type=BrokerTopicMetrics, name=BytesInPerSec(, .*)?><>Count:')"),
              std::string::npos)
        << kafka;
    EXPECT_NE(kafka.find(R"(kafka\.server<type=socket-server-metrics(, .*)?><>connection-count:)"), std::string::npos);
    EXPECT_EQ(kafka.find("connect"), kafka.find("connection-count"));
    EXPECT_NE(connect.find("kafka.connect:type=sink-task-metrics,*"), std::string::npos);
    EXPECT_FALSE(exporter_file("flunk"));
    EXPECT_NE(exporter_file("flink")->find("numRestarts"), std::string::npos);
}

// The names that the exporter's catch-all rule makes of an entry's bean are the entry's own name.
TEST(Exporter, beans_give_the_names_that_the_data_reads) {
    std::size_t beans = 0;
    for (const CanonicalSeries& series : CanonicalNames::built_in().series()) {
        bool jmx = false, any = false;
        for (const PageOrigin& origin : series.pages) {
            jmx = jmx || page_kind_of(origin.page) == "kafka-broker" || page_kind_of(origin.page) == "connect-worker";
            if (origin.mbean.empty()) continue;
            any = true;
            ++beans;
            EXPECT_EQ(default_name(origin.mbean, origin.attribute), origin.page) << series.name;
        }
        EXPECT_EQ(jmx, any) << series.name
                            << ": give `mbean` and `attribute` to the name that the catch-all rule makes";
    }
    EXPECT_GT(beans, 10u);
}

}  // namespace
}  // namespace medic::doctor
