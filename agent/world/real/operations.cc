// Node drivers, and what an HTTP status says.
#include <algorithm>

#include "agent/base/redact.h"
#include "agent/world/real/operations_internal.h"

namespace medic::operations {

void command(const Doors& doors, std::vector<std::string> argv, Duration timeout, Finish done, ErrorCode failed) {
    const std::string program = argv.empty() ? "" : argv[0];
    run_command(doors.reactor, {.argv = std::move(argv), .timeout = timeout, .output_bytes_max = 64 * 1024},
                [program, failed, done = std::move(done)](Result<CommandReply> reply) {
                    if (!reply) return done(std::unexpected(reply.error()));
                    if (reply->exit_code == 0) return done(std::move(reply->output));
                    const bool nothing_ran = reply->exit_code == 126 || reply->exit_code == 127;
                    const std::string& said = reply->errors.empty() ? reply->output : reply->errors;
                    // It ended by itself and says that it failed; what it has done until then only facts can tell.
                    done(fail(nothing_ran ? ErrorCode::unavailable : failed, "{}: exit code {}: {}", program,
                              reply->exit_code, told(said)));
                });
}

void on_node(const Doors& doors, const std::string& node, const std::string& action,
             const std::map<std::string, std::string>& values, Duration timeout, Finish done) {
    const auto found = doors.cluster.nodes.find(node);
    if (found == doors.cluster.nodes.end())
        return done(fail(ErrorCode::invalid, "node {} is not in the configuration", node));
    if (!found->second.sidecar.empty())
        return on_sidecar(doors, found->second, {.node = node, .action = action, .values = values, .timeout = timeout},
                          std::move(done));
    const auto& commands = found->second.commands;
    const auto argv = commands.find(action);
    if (argv == commands.end()) return done(fail(ErrorCode::invalid, "node {}: its driver has no `{}`", node, action));
    auto all = values;
    all["node"] = node;
    all["fencing_token"] = std::to_string(doors.fencing_token);
    auto arguments = filled(argv->second, all);
    if (!arguments) return done(std::unexpected(arguments.error()));
    command(doors, *std::move(arguments), std::min(timeout, found->second.command_timeout.value_or(timeout)),
            std::move(done));
}

// Redacted before it is cut: half an address no longer shows that it holds a login.
std::string told(std::string_view said, std::size_t bytes_max) { return redact(said).substr(0, bytes_max); }

Result<FetchReply> accepted(const std::string& what, Result<FetchReply> reply) {
    if (!reply) return reply;
    const int status = reply->status;
    if (status >= 200 && status < 300) return reply;
    const std::string body = told(reply->body);
    if (status == 409) return fail(ErrorCode::not_ready, "{}: HTTP status 409: {}", what, body);
    if (status == 429 || status == 503)
        return fail(ErrorCode::unavailable, "{}: HTTP status {}: {}", what, status, body);
    // A server that failed inside may have done it or not.
    if (status >= 500) return fail(ErrorCode::outcome_unknown, "{}: HTTP status {}: {}", what, status, body);
    return fail(ErrorCode::invalid, "{}: HTTP status {}: {}", what, status, body);
}

}  // namespace medic::operations
