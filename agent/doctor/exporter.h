// What exporters need to be told so that a page is complete and cheap: for the JMX exporter a file with exactly the
// MBeans that canonical series come from, for Flink the reporter's lines. Derived from rules/canonical.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace medic::doctor {

// `kind`: kafka-broker, connect-worker (YAML for jmx_exporter), flink (config.yaml). invalid: another kind.
[[nodiscard]] Result<std::string> exporter_file(const std::string& kind);

// The name that the exporter's catch-all rule gives an attribute: domain_type_attribute, further keys as labels.
[[nodiscard]] std::string default_name(const std::string& mbean, const std::string& attribute);

}  // namespace medic::doctor
