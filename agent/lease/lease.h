// A lease: of several agents that watch one cluster, exactly one may act. Where it is kept (a file of this host, etcd)
// is a LeaseStore's business; when a request may still leave is LeaseBook's. Neither knows what a request does.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

// Who has a cluster's lease.
struct LeaseGrant {
    bool ours = false;
    std::string holder;       // As it has named itself.
    std::uint64_t token = 0;  // Grows whenever the lease changes hands: who was passed over is told apart by it.
};

// One thread at a time; calls may block for as long as the store's own time-outs.
class LeaseStore {
public:
    LeaseStore() = default;
    LeaseStore(const LeaseStore&) = delete;
    LeaseStore& operator=(const LeaseStore&) = delete;
    virtual ~LeaseStore() = default;

    // Takes the lease where it is free or has run out, makes it last anew where it is ours, and else tells who has it.
    // A holder that comes back under its own name within its time has it still. Errors: unavailable (it could not be
    // asked: then nobody knows who has it), invalid (login, answer).
    [[nodiscard]] virtual Result<LeaseGrant> claim(const std::string& cluster) = 0;
    // Gives it back, if it is ours, so that the next one need not wait for its end.
    [[nodiscard]] virtual Status release(const std::string& cluster) = 0;
};

}  // namespace medic
