// Node drivers on other hosts: the sidecar there runs the command.
#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/url.h"
#include "agent/world/real/operations_internal.h"

namespace medic::operations {
namespace {

using Json = nlohmann::json;

std::string said(const std::string& body, const char* key) {
    constexpr std::size_t bytes_max = 64 * 1024;
    return json_text(foreign_json(body), key).substr(0, bytes_max);
}

// What the sidecar's answer says about the operation.
Result<std::string> outcome(const std::string& what, Result<FetchReply> reply) {
    if (!reply) return std::unexpected(reply.error());
    // A token that is being replaced: nothing was done, and the next one may be taken.
    if (reply->status == 401)
        return fail(ErrorCode::unavailable,
                    "{}: HTTP status 401: the sidecar does not know the token; compare the driver's `token_file` with "
                    "`api.token_file` there",
                    what);
    if (const std::string error = said(reply->body, "error"); !error.empty()) reply->body = error;
    MEDIC_TRY(const FetchReply good, accepted(what, std::move(reply)));
    // Something else that answers 200 has done nothing that we know of.
    if (said(good.body, "outcome") != "done")
        return fail(ErrorCode::outcome_unknown, "{}: HTTP status {}, and not a sidecar's answer", what, good.status);
    return said(good.body, "detail");
}

}  // namespace

void on_sidecar(const Doors& doors, const NodeDoor& door, const SidecarAsk& ask, Finish done) {
    if (!door.actions.contains(ask.action))
        return done(
            fail(ErrorCode::invalid, "node {}: `actions` of its driver does not list `{}`", ask.node, ask.action));
    const std::string path = "/api/v1/nodes/" + url_encode(ask.node) + "/" + ask.action;
    FetchRequest request;
    request.method = "POST";
    request.url = door.sidecar + path;
    request.timeout = ask.timeout;
    request.headers = {{"Content-Type", "application/json"}};
    request.body_bytes_max = 256 * 1024;
    // The command ends before we stop waiting for it: what is later than that may meet another agent's doing.
    const Duration for_command = ask.timeout * 9 / 10;
    request.body = Json{
        {"cluster", doors.cluster.name},
        {"key", doors.cluster.sender + "/" + doors.key},
        {"fencing_token", doors.fencing_token},
        {"timeout_ms", for_command.count()},
        {"values",
         ask.values}}.dump(-1, ' ', false, Json::error_handler_t::replace);
    doors.fetch(std::move(request), [what = "POST " + path, done = std::move(done)](Result<FetchReply> reply) {
        done(outcome(what, std::move(reply)));
    });
}

}  // namespace medic::operations
