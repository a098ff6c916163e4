#include "engine/broker/produce_requests.h"

#include <algorithm>

#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::int16_t all_in_sync = -1;
constexpr std::int32_t own_timeout_ms = 5'000;  // offsets.commit.timeout.ms

}  // namespace

wire::ProduceResponse::Partition ProduceRequests::append(const std::string& topic,
                                                         const wire::ProduceRequest::Partition& partition,
                                                         std::int16_t acks, Part& part) {
    wire::ProduceResponse::Partition reply;
    reply.partition = partition.partition;
    Replica* replica = parts_.replicas.find(topic, partition.partition);
    reply.error = parts_.replicas.check_leader(replica, -1);
    if (reply.error == Fault::unknown_topic_or_partition && parts_.image.partition(topic, partition.partition)) {
        reply.error = Fault::not_leader_or_follower;  // It exists, elsewhere.
    }
    part.settled = true;
    part.fault = reply.error;
    if (reply.error != Fault::none) return reply;
    // The frame is ours to change: offsets and epoch are written into it, then it goes to disk as it is.
    const auto records = partition.records.value_or("");
    const std::span<char> batches(const_cast<char*>(records.data()), records.size());
    const auto appended = parts_.replicas.append(
        *replica, {.batches = batches, .all_in_sync = acks == all_in_sync, .wall_ms = parts_.loop.wall_ms()});
    reply.error = appended.fault;
    part.fault = appended.fault;
    if (appended.fault != Fault::none) {
        reply.error_message = appended.message;
        return reply;
    }
    reply.base_offset = appended.base_offset;
    reply.log_append_time_ms = appended.append_time;
    reply.log_start_offset = replica->log->start_offset();
    if (acks != all_in_sync) return reply;
    part.offset = replica->log->end_offset();
    part.leads_since = replica->leads_since;
    part.topic_id = replica->topic_id;
    part.settled = replica->high_watermark >= part.offset;
    return reply;
}

void ProduceRequests::on_request(const Incoming& request) {
    auto decoded = wire::decode<wire::ProduceRequest>(request.body, request.header.version);
    if (!decoded) {
        log_warn("broker", "{}", decoded.error().message);
        return parts_.server.hang_up(request.to);
    }
    Pending pending{.request = request, .response = {}, .parts = {}, .done = {}, .timer = {}};
    bool failed = false;
    bool waits = false;
    const bool acks_known = decoded->acks >= -1 && decoded->acks <= 1;
    for (const auto& topic : decoded->topics) {
        auto& topic_reply = pending.response.topics.emplace_back();
        topic_reply.name = topic.name;
        for (const auto& partition : topic.partitions) {
            Part part{.id = {topic.name, partition.partition}};
            if (acks_known) {
                topic_reply.partitions.push_back(append(topic.name, partition, decoded->acks, part));
            } else {
                part.settled = true;
                topic_reply.partitions.push_back(
                    {.partition = partition.partition, .error = Fault::invalid_required_acks});
            }
            failed = failed || topic_reply.partitions.back().error != Fault::none;
            waits = waits || !part.settled;
            pending.parts.push_back(std::move(part));
        }
        auto& counters = parts_.replicas.counters(topic.name);
        ++counters.produce_requests;
        if (failed) ++counters.failed_produce;
    }
    const Duration throttle = parts_.quotas.record_produce(
        request.header.client_id.value_or(""), static_cast<std::int64_t>(request.body.size()), parts_.loop.now());
    pending.response.throttle_time_ms = static_cast<std::int32_t>(throttle.count());
    parts_.server.mute(request.to, throttle);
    auto& all = parts_.replicas.counters().all;
    ++all.produce_requests;
    if (failed) ++all.failed_produce;
    if (decoded->acks == 0) {
        if (failed) return parts_.server.hang_up(request.to);  // The only way to tell a client that wants no answers.
        return parts_.server.reply_nothing(request.to);
    }
    if (!waits) return send_response(parts_, request, pending.response);
    pending.request.body = {};
    wait(++next_, std::move(pending), decoded->timeout_ms);
}

void ProduceRequests::wait(std::uint64_t id, Pending pending, std::int32_t timeout_ms) {
    for (const Part& part : pending.parts) {
        if (part.settled) continue;
        Replica* replica = parts_.replicas.find(part.id.topic, part.id.partition);
        if (replica) replica->produce_waiters.push_back({id, part.offset});
    }
    pending.timer = parts_.loop.after(Duration(std::max(timeout_ms, 0)), [this, id] { time_out(id); });
    pending_.emplace(id, std::move(pending));
}

void ProduceRequests::append_own(Replica& replica, std::string batch, Done done) {
    const Fault fault = parts_.replicas.check_leader(&replica, -1);
    if (fault != Fault::none) return done(fault);
    const auto appended = parts_.replicas.append(replica, {.batches = std::span(batch.data(), batch.size()),
                                                           .all_in_sync = true,
                                                           .wall_ms = parts_.loop.wall_ms(),
                                                           .origin = Origin::broker});
    if (appended.fault != Fault::none) return done(appended.fault);
    const std::int64_t end = replica.log->end_offset();
    if (replica.high_watermark >= end) return done(Fault::none);
    Pending pending{.request = {}, .response = {}, .parts = {}, .done = std::move(done), .timer = {}};
    pending.parts.push_back(
        {.id = replica.id, .offset = end, .leads_since = replica.leads_since, .topic_id = replica.topic_id});
    wait(++next_, std::move(pending), own_timeout_ms);
}

void ProduceRequests::on_progress(std::uint64_t id) { moved_.push_back(id); }

void ProduceRequests::flush() {
    // Answers may move replicas again (group offsets): those wait for the next round.
    std::vector<std::uint64_t> ids;
    ids.swap(moved_);
    for (const std::uint64_t id : ids) {
        const auto found = pending_.find(id);
        if (found == pending_.end()) continue;
        bool complete = true;
        for (Part& part : found->second.parts) {
            if (!part.settled) settle(part);
            complete = complete && part.settled;
        }
        if (complete) finish(id);
    }
}

void ProduceRequests::settle(Part& part) {
    const Replica* replica = parts_.replicas.find(part.id.topic, part.id.partition);
    part.settled = true;
    if (!replica || replica->topic_id != part.topic_id) {
        part.fault = Fault::unknown_topic_or_partition;
    } else if (!replica->leads() || replica->leads_since != part.leads_since) {
        part.fault = parts_.replicas.offline() ? Fault::kafka_storage_error : Fault::not_leader_or_follower;
    } else if (replica->high_watermark < part.offset) {
        part.settled = false;
    } else if (replica->leader->isr_size() < parts_.replicas.min_in_sync(part.id.topic)) {
        part.fault = Fault::not_enough_replicas_after_append;
    }
}

void ProduceRequests::time_out(std::uint64_t id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    for (Part& part : found->second.parts) {
        if (!part.settled) settle(part);
        if (!part.settled) part.fault = Fault::request_timed_out;
        part.settled = true;
    }
    finish(id);
}

void ProduceRequests::finish(std::uint64_t id) {
    auto node = pending_.extract(id);
    Pending& pending = node.mapped();
    parts_.loop.cancel(pending.timer);
    if (pending.done) return pending.done(pending.parts.front().fault);
    std::size_t index = 0;
    for (auto& topic : pending.response.topics) {
        for (auto& partition : topic.partitions) {
            const Part& part = pending.parts[index++];
            if (partition.error != Fault::none || part.fault == Fault::none) continue;
            partition.error = part.fault;
            partition.base_offset = -1;
        }
    }
    send_response(parts_, pending.request, pending.response);
}

}  // namespace medic::engine::broker
