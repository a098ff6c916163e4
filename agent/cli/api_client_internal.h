// How the command line meets a running agent: its API, found through medic.yaml or given as an address. When no agent
// answers, the journal can be read beside it (read-only).
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::cli {

// ./medic.yaml, or the installed one where there is none.
[[nodiscard]] std::string default_config();

struct AgentAddress {
    std::string config = default_config(), url, token;
    Duration patience{10'000};  // For one answer.
    bool shows_token = false;   // Also when it only reads.
    void add_options(CLI::App& command);
};

struct ApiReply {
    int status = 0;
    std::string body;
};

// Where the agent of that configuration answers, or should.
[[nodiscard]] Result<std::string> agent_url(const AgentAddress& address);
// unavailable: no agent answers there. outcome_unknown: it was asked to change something, and has not answered.
[[nodiscard]] Result<ApiReply> call_api(const AgentAddress& address, const std::string& method, const std::string& path,
                                        const std::string& body = "");
// Where the journal of that configuration is. invalid: no such configuration, or only an address was given.
[[nodiscard]] Result<std::string> journal_path(const AgentAddress& address);
// The agent says that it was taken. Something else may answer there, and say 200 to everything.
[[nodiscard]] bool is_accepted(const Result<ApiReply>& reply);
// What an answer other than 200 says: its `error`, or its status.
[[nodiscard]] std::string error_of(const ApiReply& reply);
// Prints what went wrong, or "done"; returns the exit code.
[[nodiscard]] int print_outcome(const Result<ApiReply>& reply, const std::string& done);

}  // namespace medic::cli
