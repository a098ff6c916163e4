// What a journal is called among the senders of operations. Keys (I17/2/1) begin anew with each journal: two agents, or
// one whose data folder was emptied, give the same key to different operations, and a sidecar must not take one for the
// other.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace medic {

// Kept in `folder`. Call it before the journal is opened: without one in the folder, the name is a new one. Errors:
// invalid (it can't be written).
[[nodiscard]] Result<std::string> sender_of(const std::string& folder);

}  // namespace medic
