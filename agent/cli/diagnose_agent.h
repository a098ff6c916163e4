// What the running agent makes of a cluster, for `medic diagnose`: it has watched for longer than one look, so it knows
// planned work, histories and first failures. And what a watch tells of two results. Only for the diagnose command.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/api_client_internal.h"
#include "agent/daemon/diagnose_once.h"

namespace medic::cli {

// Errors: unavailable (nobody answers there), not_ready (it says why it can't tell yet), outdated (it watches something
// else than `watched` says; "" = whatever it watches). The message is what a person is told.
[[nodiscard]] Result<DiagnoseResult> ask_agent(const AgentAddress& address, const std::string& watched);

// One line per difference, in the order of importance: verdict, causes, planned work, sight. Without `before` all that
// holds now.
[[nodiscard]] std::vector<std::string> changes(const DiagnoseResult* before, const DiagnoseResult& now);

}  // namespace medic::cli
