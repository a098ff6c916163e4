// What an operation reaches, for the guards that bound it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/world/operation.h"
#include "remediations/guards/guard.h"

namespace medic {

// The node whose process it ends; nullptr: it takes none away.
[[nodiscard]] const std::string* taken_node(const OperationBody& body);
// How an attempt's operation is described: as describe() does, and that nobody missed the node that it ended.
[[nodiscard]] std::string described(const Operation& operation, const Step& step);
// Of such a text: it ended a process that was missed.
[[nodiscard]] bool tells_of_taken_node(std::string_view described);
[[nodiscard]] bool tells_of_question(std::string_view described);  // Likewise: nothing was changed by it.

// What `steps` would change of what others own. A restart counts only where the owner does those as well.
[[nodiscard]] std::vector<ManagedChange> managed_changes(std::span<const Step> steps,
                                                         const std::vector<ManagedBy>& managed);

// What `step` wants, in the terms of the system that owns it (`by`) where they are simple, else in our own. One line.
[[nodiscard]] std::string proposal_for(const Step& step, std::string_view by);

}  // namespace medic
