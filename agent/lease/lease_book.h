// What one agent knows of its leases, and until when it may rely on it. Time is handed in: monotonic, so that no step
// of a wall clock makes a lease longer. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/lease/lease.h"

namespace medic {

class LeaseBook {
public:
    // `ttl`: how long a claim lasts where the lease is kept.
    LeaseBook(std::vector<std::string> clusters, Duration ttl);

    // What a claim that was asked for at `asked` has given. It counts from then, not from the answer: the store may
    // have begun to count at any moment between. An error leaves what was known before to run out by itself.
    void heard(const std::string& cluster, Instant asked, const Result<LeaseGrant>& grant);

    struct Status {
        std::string cluster;
        bool ours = false;
        std::string holder;   // Known, and not us: somebody else acts here.
        std::string problem;  // Not known, and why.
        std::uint64_t token = 0;
    };
    [[nodiscard]] Status status(const std::string& cluster, Instant now) const;
    [[nodiscard]] std::vector<Status> all(Instant now) const;

    // Whether a request may leave that takes effect within `timeout` at the latest: the lease must outlast it. "" when
    // it may; else why not.
    [[nodiscard]] std::string objection(const std::string& cluster, Duration timeout, Instant now) const;

    [[nodiscard]] const std::vector<std::string>& clusters() const { return clusters_; }

private:
    struct Entry {
        LeaseGrant grant;
        std::optional<Instant> good_until;  // nullopt: nothing was ever heard.
        std::string problem;                // Of the newest claim.
    };
    [[nodiscard]] Status status_of(const std::string& cluster, Instant now) const;  // Under the mutex.

    std::vector<std::string> clusters_;
    Duration ttl_;
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
};

}  // namespace medic
