// The agent's incidents as a drill looks at them: read from the API's documents, nothing but what is compared.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::practice {

struct StoryText {
    std::string at{}, text{};
};

struct IncidentSight {
    std::string id{};
    int number = 0;
    std::string cluster{}, state{}, outcome{}, waiting_for{};
    std::string cause{}, side{}, subject{}, summary{};  // Of its newest diagnosis; cause "": not known yet.
    std::string plan{}, plan_remedy{};                  // "" without one.
    bool acted = false;                                 // Something was sent for it.
    bool healed = false;                                // healed_at is set.
    std::vector<StoryText> story{};

    [[nodiscard]] bool over() const { return state == "resolved" || state == "healed"; }
    // Begun, and neither done nor left to a person.
    [[nodiscard]] bool at_work() const;
};

// Of GET /api/v1/incidents. Errors: invalid.
[[nodiscard]] Result<std::vector<IncidentSight>> read_incidents(std::string_view text);
// Those of the cluster that are newer than `newest_before` and that nobody has asked for.
[[nodiscard]] std::vector<IncidentSight> caused_since(std::vector<IncidentSight> all, const std::string& cluster,
                                                      int newest_before);

}  // namespace medic::practice
