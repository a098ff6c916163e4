#include "agent/daemon/lease_keeper.h"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "agent/lease/etcd_leases.h"
#include "agent/lease/file_leases.h"
#include "agent/world/real/clock.h"

namespace medic {
namespace {

// Nine claims within a lease's time: several may fail before it runs out, and most of it is left when a request leaves.
constexpr int claims_per_ttl = 9;
constexpr std::size_t mailbox_max = 4;

std::string line_for_a_person(const LeaseBook::Status& status) {
    if (!status.problem.empty())
        return fmt::format("{}: nobody knows which agent acts, so this one does not: {}", status.cluster,
                           status.problem);
    if (status.ours) return fmt::format("{}: this agent acts (fencing token {})", status.cluster, status.token);
    return fmt::format("{}: the agent {} acts; this one observes", status.cluster, status.holder);
}

}  // namespace

LeaseKeeper::LeaseKeeper(Parts parts) : parts_(std::move(parts)), book_(parts_.clusters, parts_.ttl) {}

void LeaseKeeper::start(Reactor& reactor) {
    thread_ = std::make_unique<Worker>("lease", mailbox_max);
    (void)thread_->post([this] { claim_all(); });
    const Duration every = parts_.ttl / claims_per_ttl;
    // A round that still waits for the store stands for the next one.
    reactor.every(every, every, [this] {
        if (thread_->waiting() == 0) (void)thread_->post([this] { claim_all(); });
    });
}

void LeaseKeeper::claim_all() {
    for (const std::string& cluster : book_.clusters()) {
        if (stopping_) return;
        const Instant asked = read_clock().monotonic;
        book_.heard(cluster, asked, parts_.store->claim(cluster));
    }
    tell();
}

void LeaseKeeper::tell() {
    ActingAgents agents;
    for (const LeaseBook::Status& status : book_.all(read_clock().monotonic)) {
        agents.by_cluster[status.cluster] = {.ours = status.ours, .holder = status.holder, .problem = status.problem};
        std::string line = line_for_a_person(status);
        std::string& before = said_[status.cluster];
        if (line == before) continue;
        parts_.say(line);
        before = std::move(line);
        if (status.ours) parts_.gained(status.cluster);
    }
    parts_.hear(std::move(agents));
}

void LeaseKeeper::stop() {
    if (!thread_) return;
    stopping_ = true;
    thread_->stop();
    thread_.reset();
    const Instant now = read_clock().monotonic;
    for (const std::string& cluster : book_.clusters()) {
        if (const auto busy = busy_until_.find(cluster); busy != busy_until_.end() && now < busy->second) continue;
        const Status released = parts_.store->release(cluster);
        if (released) continue;
        parts_.say(cluster + ": its lease could not be given back and will run out: " + released.error().message);
        // Whoever waits for our end (a service manager, a person) waits for no store that does not answer.
        if (released.error().code == ErrorCode::unavailable) break;
    }
}

std::string LeaseKeeper::let_leave(const Operation& operation) {
    const Instant now = read_clock().monotonic;
    std::string why = book_.objection(operation.cluster, operation.timeout, now);
    if (!why.empty()) return why;
    const std::lock_guard guard(mutex_);
    Instant& busy = busy_until_[operation.cluster];
    busy = std::max(busy, now + operation.timeout);
    return why;
}

std::uint64_t LeaseKeeper::token(const std::string& cluster) const {
    return book_.status(cluster, read_clock().monotonic).token;
}

bool LeaseKeeper::is_elsewhere(const std::string& cluster) const {
    return !book_.status(cluster, read_clock().monotonic).holder.empty();
}

std::string lease_name(const Config& config) {
    if (!config.lease.name.empty()) return config.lease.name;
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) return config.data_dir;
    return fmt::format("{}:{}", host.data(), std::filesystem::weakly_canonical(config.data_dir).string());
}

Result<std::unique_ptr<LeaseStore>> open_lease_store(const Config& config) {
    const LeaseConfig& lease = config.lease;
    if (lease.kind == LeaseConfig::Kind::etcd)
        return make_etcd_leases({.urls = lease.urls,
                                 .ca_file = lease.ca_file,
                                 .username = lease.username,
                                 .password = {.file = lease.password_file},
                                 .holder = lease_name(config),
                                 .ttl = lease.ttl});
    if (lease.kind == LeaseConfig::Kind::none) return std::unique_ptr<LeaseStore>();
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), boot);
    return open_file_leases(
        {.path = lease.path, .holder = lease_name(config), .ttl = lease.ttl, .boot = boot, .clock = [] {
             return read_clock().monotonic;
         }});
}

}  // namespace medic
