// What remedies that change a connector's settings share: the change with its way back, and the steps of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remediations/remedies/parts.h"

namespace medic::remedies {

using ConnectorValues = std::map<std::string, std::optional<std::string>>;  // nullopt: not set.

struct ConnectorChange {
    ConnectorValues set, back;
    std::string from, to;  // Hashes of the whole, see agent/base/connector_settings.h.
};

[[nodiscard]] FactKey configuration_of(const Subject& connector);
// What connector_change() and its steps read.
[[nodiscard]] std::vector<FactKey> connector_facts(const Subject& connector);
// invalid: it is a source, of which `what_for` can't be said. not_ready: nobody knows, as of a connector of which an
// agent that has just started has only seen the failed task.
[[nodiscard]] Status must_be_sink(const PlanningView& view, const Subject& connector, std::string_view what_for);
// The connector's present value of a setting; nullopt: it is not set, or it is withheld. not_ready: nobody knows.
[[nodiscard]] Result<std::optional<std::string>> setting(const PlanningView& view, const Subject& connector,
                                                         const std::string& name);
// From the settings as they stand, to the same with `set` in them.
[[nodiscard]] Result<ConnectorChange> connector_change(const PlanningView& view, const Subject& connector,
                                                       ConnectorValues set);

struct SettingsStep {
    ConnectorValues values;
    std::string from, to;
};
// Without text and undo.
[[nodiscard]] Step change_settings(const Subject& connector, const SettingsStep& change);
// Many workers start only those tasks anew whose own settings have changed with the connector's (KAFKA-9228). Proven by
// tasks that go on running: whether records come to them in that time is up to those who write.
[[nodiscard]] Step restart_what_is_failed(const Subject& connector, const std::string& configuration);

}  // namespace medic::remedies
