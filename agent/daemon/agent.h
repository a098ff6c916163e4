// The running agent: its threads (io, ingest, core, journal) and the mailboxes between them. Everything that decides is
// elsewhere; this only carries: samples to knowledge, reports and facts to the loop, entries to the journal, operations
// after the ack to the world.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/config/config.h"
#include "remediations/guards/policy.h"

namespace medic {

struct AgentOptions {
    Config config;
    Policy policy;                // Default: everything is observed, nothing acts.
    std::string policy_path;      // Where it was read; "": nowhere.
    std::string program;          // Version and revision.
    std::string rules_directory;  // "" = compiled in.
    std::function<void(const std::string&)> say = [](const std::string&) {};  // One line for a person; from any thread.
};

class Agent {
public:
    // Opens the journal, takes the data folder's lock, listens. Errors: invalid (configuration, journal, rules),
    // unavailable (port, lock).
    [[nodiscard]] static Result<std::unique_ptr<Agent>> start(AgentOptions options);
    ~Agent();  // stop()
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // In good order: no new looks, what is on its way is journaled. Idempotent.
    void stop();
    [[nodiscard]] std::uint16_t port() const;
    // Writing requests that have left this process, by the fetcher's own count.
    [[nodiscard]] std::uint64_t writing_requests() const;

private:
    struct State;
    explicit Agent(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace medic
