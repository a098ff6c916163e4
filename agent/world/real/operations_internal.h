// One function per kind of operation. Each calls `done` exactly once, on the reactor's thread. Only for
// agent/world/real.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/world/real/command.h"
#include "agent/world/real/http_fetcher.h"
#include "agent/world/real/real_world.h"

namespace medic::operations {

using Finish = std::function<void(Result<std::string>)>;

struct Doors {
    Reactor& reactor;
    HttpFetcher& fetcher;
    const ClusterDoors& cluster;
    std::uint64_t fencing_token;  // Operation::fencing_token.
    std::string key;              // Operation::key.
    // Whoever decided on the operation believes then that nothing of it leaves any more: bounds all its requests,
    // however many come one after the other.
    std::optional<Instant> until{};

    void fetch(FetchRequest request, HttpFetcher::Done done) const {
        request.cluster = cluster.name;
        if (until) request.deadline = std::min(request.deadline.value_or(*until), *until);
        fetcher.fetch(std::move(request), std::move(done));
    }
};

void on_node(const Doors& doors, const std::string& node, const std::string& action,
             const std::map<std::string, std::string>& values, Duration timeout, Finish done);
// The same through the sidecar on the node's host, which answers a key that it knows with what came of it.
struct SidecarAsk {
    std::string node, action;
    std::map<std::string, std::string> values;
    Duration timeout{0};
};
void on_sidecar(const Doors& doors, const NodeDoor& door, const SidecarAsk& ask, Finish done);
// `failed`: what it means that the command ends with an error; unavailable where it may be given again. Always
// unavailable where nothing has run: what shells and env(1) answer of a program that they can't start.
void command(const Doors& doors, std::vector<std::string> argv, Duration timeout, Finish done,
             ErrorCode failed = ErrorCode::unavailable);

// `path` begins with '/'. Any worker can take it; the next one is tried only if the request surely never arrived.
void connect_request(const Doors& doors, const std::string& method, const std::string& path, Duration timeout,
                     Finish done);

// Reads what stands there, changes what is asked for and writes it back. Of the worker's answer only the status is
// told: its text may quote settings.
void change_connector(const Doors& doors, const ChangeConnectorConfiguration& what, Duration timeout, Finish done);

// Reads where the connector's group stands, and sets it only where that is `from`.
void alter_connector_offset(const Doors& doors, const AlterConnectorOffset& what, Duration timeout, Finish done);

void cancel_job(const Doors& doors, const CancelJob& what, Duration timeout, Finish done);
void stop_with_savepoint(const Doors& doors, const StopJobWithSavepoint& what, Duration timeout, Finish done);
void verify_deployment(const Doors& doors, const VerifyDeployment& what, Duration timeout, Finish done);
void start_deployment(const Doors& doors, const StartDeployment& what, Duration timeout, Finish done);
void rescale_job(const Doors& doors, const RescaleJob& what, Duration timeout, Finish done);

// What the outside says, as it may be kept and shown: without secrets, and short.
[[nodiscard]] std::string told(std::string_view said, std::size_t bytes_max = 1'000);

// What an HTTP status says about a request that was to change something.
[[nodiscard]] Result<FetchReply> accepted(const std::string& what, Result<FetchReply> reply);

}  // namespace medic::operations
