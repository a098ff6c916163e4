#include "engine/broker/fetcher.h"

#include <set>

#include "agent/wire/frame.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";
constexpr std::int16_t fetch_version = 12;  // The first with diverging epochs.
constexpr Duration backoff{100};            // After an error of a partition or of the connection.
constexpr Duration answer_timeout{30'000};  // replica.socket.timeout.ms

}  // namespace

Fetchers::Fetchers(Loop& loop, FetcherOptions options, const ClusterImage& image, const Config& config,
                   Replicas& replicas)
    : loop_(loop),
      options_(options),
      image_(image),
      replicas_(replicas),
      throttle_(ReplicationThrottle::Side::follower, options.self, image, config) {}

Fetchers::~Fetchers() = default;

void Fetchers::assign() {
    std::map<BrokerId, std::set<TopicPartition>> wanted;
    for (const auto& [id, replica] : replicas_.all()) {
        const BrokerId leader = replica->state.leader;
        if (replica->log && !replicas_.offline() && leader != no_broker && leader != options_.self)
            wanted[leader].insert(id);
    }
    for (auto& [id, leader] : leaders_) {
        const auto& keep = wanted[id];
        std::erase_if(leader.partitions, [&](const auto& entry) { return !keep.contains(entry.first); });
    }
    for (const auto& [id, partitions] : wanted) {
        const BrokerState* broker = image_.broker(id);
        if (partitions.empty() || !broker) continue;
        Leader& leader = leaders_[id];
        const Address address{broker->host, static_cast<std::uint16_t>(broker->port)};
        if (!leader.peer || leader.peer->address().to_string() != address.to_string()) {
            leader.peer = std::make_unique<Peer>(loop_, PeerOptions{.address = address, .timeout = answer_timeout});
            leader.under_way = false;
        }
        for (const auto& partition : partitions) {
            Follow& follow = leader.partitions[partition];
            follow.id = partition;
            follow.not_before = {};
        }
        fetch(id);
    }
}

wire::FetchRequest Fetchers::request_for(Leader& leader) {
    wire::FetchRequest request;
    request.replica_id = options_.self;
    request.max_wait_ms = options_.wait_max_ms;
    request.min_bytes = options_.min_bytes;
    request.max_bytes = options_.response_bytes_max;
    for (const auto& [id, follow] : leader.partitions) {
        if (follow.not_before > loop_.now() || holds_back(follow)) continue;
        const Replica* replica = replicas_.find(id.topic, id.partition);
        if (!replica || !replica->log) continue;
        if (request.topics.empty() || request.topics.back().name != id.topic)
            request.topics.push_back({.name = id.topic, .partitions = {}});
        request.topics.back().partitions.push_back({.partition = id.partition,
                                                    .current_leader_epoch = replica->state.leader_epoch,
                                                    .fetch_offset = replica->log->end_offset(),
                                                    .last_fetched_epoch = replica->log->latest_epoch(),
                                                    .log_start_offset = replica->log->start_offset(),
                                                    .partition_max_bytes = options_.partition_bytes_max});
    }
    return request;
}

bool Fetchers::holds_back(const Follow& follow) const {
    return !follow.caught_up && throttle_.names(follow.id.topic, follow.id.partition) &&
           throttle_.exceeded(loop_.now());
}

void Fetchers::fetch(BrokerId id) {
    Leader& leader = leaders_[id];
    if (leader.under_way || leader.partitions.empty()) return;
    const auto request = request_for(leader);
    if (request.topics.empty()) return fetch_later(id, backoff);
    auto frame = wire::encode_request({.version = fetch_version, .client_id = "replica"}, request);
    if (!frame) return log_error(who, "fetch request: {}", frame.error().message);
    leader.under_way = true;
    frame->erase(0, wire::kSizePrefixBytes);
    leader.peer->send(*std::move(frame),
                      [this, id](Result<std::string_view> answer) { on_answer(id, std::move(answer)); });
}

void Fetchers::fetch_later(BrokerId id, Duration delay) {
    Leader& leader = leaders_[id];
    if (std::exchange(leader.timer_set, true)) return;
    loop_.after(delay, [this, id] {
        leaders_[id].timer_set = false;
        fetch(id);
    });
}

void Fetchers::on_answer(BrokerId id, Result<std::string_view> answer) {
    Leader& leader = leaders_[id];
    leader.under_way = false;
    if (!answer) return fetch_later(id, backoff);
    // Header v1 of a flexible response: tagged fields (none) follow the correlation id.
    const auto response = answer->empty() ? Result<wire::FetchResponse>(fail(ErrorCode::invalid, "empty"))
                                          : wire::decode<wire::FetchResponse>(answer->substr(1), fetch_version);
    if (!response || response->error != Fault::none) {
        log_warn(who, "fetch from broker {}: {}", id,
                 response ? wire::to_string(response->error) : response.error().message);
        return fetch_later(id, backoff);
    }
    for (const auto& topic : response->topics) {
        for (const auto& partition : topic.partitions) {
            const auto found = leader.partitions.find({topic.name, partition.partition});
            if (found == leader.partitions.end()) continue;
            Follow& follow = found->second;
            const bool good = take(follow, partition);
            if (!good) follow.not_before = loop_.now() + backoff;
            follow.failed = !good;
        }
    }
    fetch(id);
}

// False: try this partition again later.
bool Fetchers::take(Follow& follow, const wire::FetchResponse::Partition& partition) {
    Replica* replica = replicas_.find(follow.id.topic, follow.id.partition);
    if (!replica || !replica->log || replica->leads() || replicas_.offline()) return false;
    switch (partition.error) {
        case Fault::none:
            if (!take_good(*replica, partition)) return false;
            follow.lag = std::max<std::int64_t>(partition.high_watermark - replica->log->end_offset(), 0);
            follow.caught_up = follow.lag == 0;
            if (partition.records && throttle_.names(follow.id.topic, follow.id.partition))
                throttle_.record(static_cast<std::int64_t>(partition.records->size()), loop_.now());
            return true;
        case Fault::offset_out_of_range:
            // Retention at the leader has passed us by: begin anew where its log begins.
            if (partition.log_start_offset <= replica->log->end_offset()) return false;
            log_info(who, "{}: our end {} is below the leader's start {}", follow.id.to_string(),
                     replica->log->end_offset(), partition.log_start_offset);
            replicas_.restart_log(*replica, partition.log_start_offset);
            return true;
        default: return false;  // Not the leader (yet): metadata is on its way, here or there.
    }
}

bool Fetchers::take_good(Replica& replica, const wire::FetchResponse::Partition& partition) {
    if (partition.diverging_epoch) {
        const auto& theirs = *partition.diverging_epoch;
        const auto ours = replica.log->end_of_epoch(theirs.epoch);
        std::int64_t common = std::min(theirs.end_offset, replica.log->end_offset());
        if (ours.epoch >= 0) common = std::min(common, ours.end_offset);
        log_info(who, "{}: log differs from the leader's after epoch {}: cut from {} to {}", replica.id.to_string(),
                 theirs.epoch, replica.log->end_offset(), common);
        if (common >= replica.log->end_offset()) return false;
        replicas_.truncate(replica, common);
        return true;
    }
    if (!replicas_.append_fetched(replica, partition.records.value_or(""), partition.high_watermark, loop_.wall_ms())) {
        return false;
    }
    if (partition.log_start_offset > replica.log->start_offset()) {
        replicas_.raise_log_start(replica, std::min(partition.log_start_offset, replica.log->end_offset()));
    }
    return true;
}

std::int64_t Fetchers::max_lag() const {
    std::int64_t most = 0;
    for (const auto& [broker, leader] : leaders_) {
        for (const auto& [id, follow] : leader.partitions) most = std::max(most, follow.lag);
    }
    return most;
}

std::size_t Fetchers::failed_partitions() const {
    std::size_t count = 0;
    for (const auto& [broker, leader] : leaders_) {
        for (const auto& [id, follow] : leader.partitions) count += follow.failed ? 1 : 0;
    }
    return count;
}

}  // namespace medic::engine::broker
