#include "agent/daemon/doors.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(Doors, CarryWhatDriversMayTake) {
    const auto config = load_config(R"(schema: 1
data_dir: d
clusters:
  c:
    flink: [{url: "http://f:8081"}]
    nodes:
      - {name: given, role: broker, driver: {kind: command, start: [ctl], timeout: 5s}}
      - {name: unit, role: broker, driver: {kind: systemd, unit: kafka.service}}
      - {name: there, role: broker, driver: {kind: agent, url: "http://h:9470", token_file: t, timeout: 2s}}
    deployments:
      - {job: given, driver: {kind: command, start: [ctl], timeout: 20s}, versions: [{id: v, artifact: a}]}
      - {job: rest, driver: {kind: session-rest}, versions: [{id: v, artifact: a}]}
)",
                                    "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    const ClusterDoors doors = doors_of(*config).at("c");
    EXPECT_EQ(doors.nodes.at("given").command_timeout, Duration{5'000});
    EXPECT_EQ(doors.nodes.at("unit").command_timeout, driver_takes_max) << "10 s are for looks";
    EXPECT_EQ(doors.nodes.at("there").command_timeout, driver_takes_max) << "2 s are for looks";
    EXPECT_EQ(doors.deployments.at("given").timeout, Duration{20'000});
    EXPECT_EQ(doors.deployments.at("rest").timeout, driver_takes_max);
}

}  // namespace
}  // namespace medic
