#include "agent/lease/lease_book.h"

#include <fmt/format.h>

namespace medic {
namespace {

// Two machines' clocks may run at different speeds: of what a lease lasts, one part in this many is not relied on.
constexpr std::int64_t drift_part = 50;

}  // namespace

LeaseBook::LeaseBook(std::vector<std::string> clusters, Duration ttl) : clusters_(std::move(clusters)), ttl_(ttl) {}

void LeaseBook::heard(const std::string& cluster, Instant asked, const Result<LeaseGrant>& grant) {
    const std::lock_guard guard(mutex_);
    Entry& entry = entries_[cluster];
    if (!grant) {
        entry.problem = grant.error().message;
        return;
    }
    entry = {.grant = *grant, .good_until = asked + ttl_ - ttl_ / drift_part, .problem = {}};
}

LeaseBook::Status LeaseBook::status(const std::string& cluster, Instant now) const {
    const std::lock_guard guard(mutex_);
    return status_of(cluster, now);
}

LeaseBook::Status LeaseBook::status_of(const std::string& cluster, Instant now) const {
    Status status{.cluster = cluster};
    const auto found = entries_.find(cluster);
    if (found == entries_.end()) {
        status.problem = "its lease has not been asked for yet";
        return status;
    }
    const Entry& entry = found->second;
    // Somebody else's lease may have ended as well by then: nobody is known to act.
    if (!entry.good_until || now >= *entry.good_until) {
        status.problem = entry.problem.empty() ? "its lease has run out" : entry.problem;
        return status;
    }
    status.ours = entry.grant.ours;
    status.token = entry.grant.token;
    if (!status.ours) status.holder = entry.grant.holder;
    return status;
}

std::vector<LeaseBook::Status> LeaseBook::all(Instant now) const {
    std::vector<Status> result;
    for (const auto& cluster : clusters_) result.push_back(status(cluster, now));
    return result;
}

std::string LeaseBook::objection(const std::string& cluster, Duration timeout, Instant now) const {
    const std::lock_guard guard(mutex_);
    const Status known = status_of(cluster, now);
    if (!known.problem.empty()) return fmt::format("it is not known who acts for {}: {}", cluster, known.problem);
    if (!known.ours) return fmt::format("{} acts for {}", known.holder, cluster);
    const Duration left = *entries_.at(cluster).good_until - now;
    if (left > timeout) return "";
    return fmt::format("the lease of {} ends in {} ms, within the request's time-out of {} ms", cluster, left.count(),
                       timeout.count());
}

}  // namespace medic
