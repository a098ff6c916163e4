#include "engine/broker/fetch_requests.h"

#include <algorithm>

#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::size_t stale_waiters_max = 16;          // Beyond it a list of waiters is cleaned of answered requests.
constexpr std::int32_t answer_bytes_max = 57'671'680;  // fetch.max.bytes of brokers

bool from_follower(const wire::FetchRequest& fetch) { return fetch.replica_id >= 0; }

bool wants_committed(const wire::FetchRequest& fetch) {
    return !from_follower(fetch) && fetch.isolation == static_cast<std::int8_t>(wire::Isolation::read_committed);
}

}  // namespace

void FetchRequests::on_request(const Incoming& request) {
    auto fetch = wire::decode<wire::FetchRequest>(request.body, request.header.version);
    if (!fetch) {
        log_warn("broker", "{}", fetch.error().message);
        return parts_.server.hang_up(request.to);
    }
    if (fetch->session_id != 0) {
        wire::FetchResponse response;
        response.error = Fault::fetch_session_id_not_found;
        return send_response(parts_, request, response);
    }
    fetch->max_bytes = std::min(fetch->max_bytes, answer_bytes_max);
    fetch->min_bytes = std::min(fetch->min_bytes, fetch->max_bytes);  // More would be waited for in vain.
    if (from_follower(*fetch)) note_follower(*fetch);
    auto collected = collect(*fetch);
    if (collected.final || collected.bytes >= fetch->min_bytes || fetch->max_wait_ms <= 0) {
        return answer(request, *fetch, collected);
    }
    Incoming kept = request;
    kept.body = {};
    park({std::move(kept), *fetch, parts_.loop.now() + Duration(fetch->max_wait_ms), {}});
}

void FetchRequests::park(Pending pending) {
    // A new id each time: what lists still hold under the old one is recognised as stale.
    const std::uint64_t id = ++next_;
    pending.timer = parts_.loop.at(pending.deadline, [this, id] {
        auto node = pending_.extract(id);
        if (node.empty()) return;
        answer(node.mapped().request, node.mapped().fetch, collect(node.mapped().fetch));
    });
    const auto& kept = pending_.emplace(id, std::move(pending)).first->second;
    wait(id, kept.fetch);
}

void FetchRequests::note_follower(const wire::FetchRequest& fetch) {
    for (const auto& topic : fetch.topics) {
        for (const auto& partition : topic.partitions) {
            Replica* replica = parts_.replicas.find(topic.name, partition.partition);
            if (parts_.replicas.check_leader(replica, partition.current_leader_epoch) != Fault::none) continue;
            const auto end = replica->log->end_of_epoch(partition.last_fetched_epoch);
            const bool differs = partition.last_fetched_epoch >= 0 && end.epoch >= 0 &&
                                 (end.epoch < partition.last_fetched_epoch || end.end_offset < partition.fetch_offset);
            if (differs || partition.fetch_offset > replica->log->end_offset())
                continue;  // What it has is not what we have.
            parts_.replicas.on_follower_fetch(*replica, fetch.replica_id, partition.fetch_offset, parts_.loop.now());
        }
    }
}

FetchRequests::Collected FetchRequests::collect(const wire::FetchRequest& fetch) {
    Collected collected;
    collected.response.topics.reserve(fetch.topics.size());
    for (const auto& topic : fetch.topics) {
        auto& reply = collected.response.topics.emplace_back();
        reply.name = topic.name;
        reply.partitions.reserve(topic.partitions.size());
        for (const auto& partition : topic.partitions) {
            reply.partitions.push_back(read(fetch, topic.name, partition, collected));
            if (reply.partitions.back().error != Fault::none) collected.final = true;
        }
    }
    return collected;
}

wire::FetchResponse::Partition FetchRequests::read(const wire::FetchRequest& fetch, const std::string& topic,
                                                   const wire::FetchRequest::Partition& partition,
                                                   Collected& collected) {
    wire::FetchResponse::Partition reply;
    reply.partition = partition.partition;
    reply.records = wire::BytesView();
    Replica* replica = parts_.replicas.find(topic, partition.partition);
    reply.error = parts_.replicas.check_leader(replica, partition.current_leader_epoch);
    if (reply.error == Fault::unknown_topic_or_partition && parts_.image.partition(topic, partition.partition)) {
        reply.error = Fault::not_leader_or_follower;
    }
    if (reply.error != Fault::none) return reply;
    const Log& log = *replica->log;
    reply.high_watermark = replica->high_watermark;
    reply.last_stable_offset = replica->last_stable_offset();
    reply.log_start_offset = log.start_offset();
    if (partition.last_fetched_epoch >= 0) {
        const auto end = log.end_of_epoch(partition.last_fetched_epoch);
        if (end.epoch >= 0 && (end.epoch < partition.last_fetched_epoch || end.end_offset < partition.fetch_offset)) {
            reply.diverging_epoch = wire::EpochEndOffset{end.epoch, end.end_offset};
            collected.final = true;
            return reply;
        }
    }
    if (partition.fetch_offset < log.start_offset() || partition.fetch_offset > log.end_offset()) {
        reply.error = Fault::offset_out_of_range;
        return reply;
    }
    if (from_follower(fetch) && holds_back(*replica, fetch.replica_id)) return reply;
    const std::int64_t end = from_follower(fetch)     ? log.end_offset()
                             : wants_committed(fetch) ? reply.last_stable_offset
                                                      : replica->high_watermark;
    if (wants_committed(fetch)) {
        auto& left_out = reply.aborted_transactions.emplace();
        for (const auto& one : log.producers().aborted(partition.fetch_offset, end))
            left_out.push_back({one.producer_id, one.first_offset});
    }
    const std::int64_t left = fetch.max_bytes - collected.bytes;
    if (partition.fetch_offset >= end || (left <= 0 && collected.bytes > 0)) return reply;
    auto bytes = parts_.replicas.read(*replica, partition.fetch_offset,
                                      {.bytes_max = std::min<std::int64_t>(partition.partition_max_bytes, left),
                                       .offset_end = end,
                                       .at_least_one = collected.bytes == 0});
    if (!bytes) {
        log_warn("broker", "{}: {}", replica->id.to_string(), bytes.error().message);
        reply.error = Fault::kafka_storage_error;
        return reply;
    }
    collected.bytes += static_cast<std::int64_t>(bytes->size());
    collected.buffers.push_back(*std::move(bytes));
    reply.records = collected.buffers.back();
    return reply;
}

bool FetchRequests::holds_back(const Replica& replica, BrokerId follower) const {
    return std::ranges::find(replica.state.isr, follower) == replica.state.isr.end() &&
           throttle_.names(replica.id.topic, replica.id.partition) && throttle_.exceeded(parts_.loop.now());
}

void FetchRequests::wait(std::uint64_t id, const wire::FetchRequest& fetch) {
    for (const auto& topic : fetch.topics) {
        for (const auto& partition : topic.partitions) {
            Replica* replica = parts_.replicas.find(topic.name, partition.partition);
            if (!replica) continue;
            auto& waiters = from_follower(fetch) ? replica->follower_waiters : replica->consumer_waiters;
            if (waiters.size() >= stale_waiters_max) {
                std::erase_if(waiters, [&](std::uint64_t other) { return !pending_.contains(other); });
            }
            waiters.push_back(id);
        }
    }
}

void FetchRequests::flush() {
    std::vector<std::uint64_t> ids;
    ids.swap(ready_);
    std::ranges::sort(ids);
    const auto doubled = std::ranges::unique(ids);
    ids.erase(doubled.begin(), doubled.end());
    for (const std::uint64_t id : ids) {
        auto node = pending_.extract(id);
        if (node.empty()) continue;
        Pending& pending = node.mapped();
        parts_.loop.cancel(pending.timer);
        const auto collected = collect(pending.fetch);
        if (collected.final || collected.bytes >= pending.fetch.min_bytes) {
            answer(pending.request, pending.fetch, collected);
        } else {
            park(std::move(pending));
        }
    }
}

void FetchRequests::answer(const Incoming& request, const wire::FetchRequest& fetch, const Collected& collected) {
    count(fetch, collected);
    send_response(parts_, request, collected.response);
}

void FetchRequests::count(const wire::FetchRequest& fetch, const Collected& collected) {
    auto& all = parts_.replicas.counters().all;
    ++all.fetch_requests;
    if (from_follower(fetch)) all.replication_bytes_out += static_cast<std::uint64_t>(collected.bytes);
    for (const auto& topic : collected.response.topics) {
        auto& counters = parts_.replicas.counters(topic.name);
        ++counters.fetch_requests;
        for (const auto& partition : topic.partitions) {
            if (partition.error != Fault::none) {
                ++all.failed_fetch;
                ++counters.failed_fetch;
            }
            const std::size_t bytes = partition.records ? partition.records->size() : 0;
            if (bytes == 0) continue;
            if (!from_follower(fetch)) {
                all.bytes_out += bytes;
                counters.bytes_out += bytes;
                continue;
            }
            if (throttle_.names(topic.name, partition.partition))
                throttle_.record(static_cast<std::int64_t>(bytes), parts_.loop.now());
            const PartitionState* state = parts_.image.partition(topic.name, partition.partition);
            if (state && std::ranges::find(state->adding, fetch.replica_id) != state->adding.end()) {
                all.reassignment_bytes_out += bytes;
            }
        }
    }
}

}  // namespace medic::engine::broker
