// Keeps the agent's leases: claims them over and over on a thread of its own, tells the loop who acts, and answers the
// last question before a request leaves. For the agent alone.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/config/config.h"
#include "agent/lease/lease_book.h"
#include "agent/loop/input.h"
#include "agent/world/operation.h"
#include "agent/world/real/reactor.h"
#include "agent/world/real/worker.h"

namespace medic {

class LeaseKeeper {
public:
    struct Parts {
        std::unique_ptr<LeaseStore> store;
        std::vector<std::string> clusters;
        Duration ttl{90'000};
        std::function<void(ActingAgents)> hear;                  // After every round, from the lease's thread.
        std::function<void(const std::string& cluster)> gained;  // Ours, and it was not before.
        std::function<void(const std::string&)> say;             // One line for a person.
    };
    explicit LeaseKeeper(Parts parts);

    void start(Reactor& reactor);
    // Gives back what is ours, so that the next agent need not wait; but not where something has left that may still
    // take effect: there the lease runs out. The reactor has stopped by then. Idempotent.
    void stop();

    // Asked just before the operation leaves: why it may not; "" = it leaves. Any thread.
    [[nodiscard]] std::string let_leave(const Operation& operation);
    [[nodiscard]] std::uint64_t token(const std::string& cluster) const;
    // Another agent is known to act there: it tells people, too.
    [[nodiscard]] bool is_elsewhere(const std::string& cluster) const;

private:
    void claim_all();
    void tell();

    Parts parts_;
    LeaseBook book_;
    std::map<std::string, std::string> said_;  // By cluster, so that only news is said. The lease's thread's.
    std::unique_ptr<Worker> thread_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::map<std::string, Instant> busy_until_;  // By cluster: what has left may take effect until then.
};

// The agent's name among those that share the lease: as configured, or the host's name and the data folder's path.
[[nodiscard]] std::string lease_name(const Config& config);
// nullptr: no lease is configured. Errors: unavailable (the file can't be opened).
[[nodiscard]] Result<std::unique_ptr<LeaseStore>> open_lease_store(const Config& config);

}  // namespace medic
