// The configuration files of the real products and medic.yaml, as text. Pure.
#pragma once

#include <map>
#include <string>

#include "agent/base/time.h"
#include "tests/live/plan.h"

namespace medic::live {

// offset.flush.interval.ms of the Connect workers: what a killed one had delivered since then comes again.
inline constexpr Duration connect_commits_every{5'000};

// File name under DATA → content: conf/broker-1.properties, conf/connect-1.properties, conf/flink-session/config.yaml,
// conf/jmx.yaml, conf/log4j.properties, medic.yaml.
[[nodiscard]] std::map<std::string, std::string> configuration_files(const LiveOptions& options,
                                                                     const engine::lab::LabPlan& plan);

}  // namespace medic::live
