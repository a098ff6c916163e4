// A DiagnoseResult as the JSON document that `medic diagnose -o json` prints and the agent's API tells, and back from
// it, so that a person gets the same text whoever looked. The document is a contract that others script against.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/daemon/diagnose_once.h"
#include "agent/loop/incident.h"

namespace medic {

[[nodiscard]] std::string_view to_string(DiagnoseResult::Verdict verdict);

// Two blanks deep; `watched` (watched_by) stands in it when it is not empty.
[[nodiscard]] std::string diagnosis_document(const DiagnoseResult& result, const std::string& watched = "");
// Errors: invalid (no such document, or one of a later schema).
[[nodiscard]] Result<DiagnoseResult> read_diagnosis_document(std::string_view text);
// The document's `watched`; "" when it has none.
[[nodiscard]] std::string watched_of_document(std::string_view text);

// Names what a configuration watches, so that an agent that listens at the expected address and yet watches something
// else is not mistaken for the one that was meant. The same for the same clusters and addresses.
[[nodiscard]] std::string watched_by(const Config& config);

// Those that are open.
[[nodiscard]] std::vector<OpenIncident> open_incidents(const std::vector<Incident>& incidents);

}  // namespace medic
