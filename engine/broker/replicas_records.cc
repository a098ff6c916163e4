// The way of records through Replicas: appended, fetched, committed when the ISR has them; and who waits for that.
#include <algorithm>

#include "engine/broker/replicas.h"
#include "engine/common/log.h"

namespace medic::engine::broker {
namespace {

constexpr std::string_view who = "broker";

}  // namespace

Log::Appended Replicas::append(Replica& replica, const AppendRequest& request) {
    if (request.all_in_sync && replica.leader->isr_size() < min_in_sync(replica.id.topic)) {
        return {.fault = Fault::not_enough_replicas, .message = "The ISR is smaller than min.insync.replicas."};
    }
    auto appended =
        replica.log->append_as_leader(request.batches, replica.state.leader_epoch, request.wall_ms, request.origin);
    if (!appended) {
        disk_failed(appended.error());
        return {.fault = Fault::kafka_storage_error, .message = appended.error().message};
    }
    const auto bytes = static_cast<std::uint64_t>(request.batches.size());
    for (TopicCounters* counters : {&counters_.all, &this->counters(replica.id.topic)}) {
        if (appended->fault == Fault::none && !appended->duplicate) {
            counters->messages_in += static_cast<std::uint64_t>(appended->records);
            counters->bytes_in += bytes;
        } else if (appended->fault != Fault::none) {
            counters->bytes_rejected += bytes;
        }
    }
    if (appended->fault == Fault::none && !appended->duplicate) {
        drain(replica.follower_waiters, callbacks_.fetch_ready);
        advance(replica);
    }
    return *std::move(appended);
}

bool Replicas::append_fetched(Replica& replica, std::string_view batches, std::int64_t leader_high_watermark,
                              std::int64_t wall_ms) {
    if (!batches.empty()) {
        const auto records = replica.log->append_as_follower(batches, wall_ms);
        if (!records) {
            if (records.error().code == ErrorCode::unavailable) disk_failed(records.error());
            log_warn(who, "{}: {}", replica.id.to_string(), records.error().message);
            return false;
        }
        counters_.all.replication_bytes_in += batches.size();
        if (contains(replica.state.adding, options_.self)) counters_.all.reassignment_bytes_in += batches.size();
    }
    replica.set_high_watermark(
        std::max(replica.high_watermark, std::min(leader_high_watermark, replica.log->end_offset())));
    return true;
}

void Replicas::truncate(Replica& replica, std::int64_t offset) {
    if (offset < replica.high_watermark) {
        log_warn(who, "{}: cut to {} below its high watermark {}", replica.id.to_string(), offset,
                 replica.high_watermark);
    }
    if (const auto done = replica.log->truncate_to(offset); !done) return disk_failed(done.error());
    replica.set_high_watermark(std::min(replica.high_watermark, replica.log->end_offset()));
}

void Replicas::restart_log(Replica& replica, std::int64_t offset) {
    if (const auto done = replica.log->restart_at(offset); !done) return disk_failed(done.error());
    replica.set_high_watermark(offset);
}

void Replicas::raise_log_start(Replica& replica, std::int64_t offset) {
    if (const auto done = replica.log->raise_start(offset); !done) return disk_failed(done.error());
    replica.set_high_watermark(std::max(replica.high_watermark, replica.log->start_offset()));
}

Result<std::string> Replicas::read(Replica& replica, std::int64_t offset, const ReadLimits& limits) {
    auto bytes = replica.log->read(offset, limits);
    if (!bytes && bytes.error().code == ErrorCode::unavailable) disk_failed(bytes.error());
    return bytes;
}

void Replicas::on_follower_fetch(Replica& replica, BrokerId follower, std::int64_t offset, Instant now) {
    replica.leader->on_fetch(follower, offset, replica.log->end_offset(), now);
    advance(replica);
    if (contains(replica.state.isr, follower)) return;
    const auto wanted = replica.leader->wanted_isr({.log_end = replica.log->end_offset(),
                                                    .high_watermark = replica.high_watermark,
                                                    .now = now,
                                                    .lag_max = Duration::max(),
                                                    .usable = [this](BrokerId id) { return image_.usable(id); }});
    if (!wanted) return;
    callbacks_.alter_isr({{.topic = replica.id.topic,
                           .partition = replica.id.partition,
                           .leader_epoch = replica.state.leader_epoch,
                           .partition_epoch = replica.state.partition_epoch,
                           .isr = *wanted}});
}

void Replicas::isr_answer(const AlterPartition& wish, Fault fault) {
    Replica* replica = find(wish.topic, wish.partition);
    if (!replica || !replica->leader || replica->state.leader_epoch != wish.leader_epoch) return;
    if (replica->state.partition_epoch != wish.partition_epoch) return;  // Settled; the wish now open is another one.
    if (fault == Fault::none) return;
    ++counters_.failed_isr_updates;
    // The controller is ahead of us, perhaps by this very wish: its word is on its way, and until then the wish counts.
    if (fault == Fault::invalid_update_version) return;
    replica->leader->change_failed();
}

void Replicas::check_isr(Instant now, Duration lag_max) {
    std::vector<AlterPartition> wishes;
    for (const auto& [id, replica] : replicas_) {
        if (!replica->leads()) continue;
        const auto wanted =
            replica->leader->wanted_isr({.log_end = replica->log->end_offset(),
                                         .high_watermark = replica->high_watermark,
                                         .now = now,
                                         .lag_max = lag_max,
                                         .usable = [this](BrokerId broker) { return image_.usable(broker); }});
        if (!wanted) continue;
        wishes.push_back({.topic = id.topic,
                          .partition = id.partition,
                          .leader_epoch = replica->state.leader_epoch,
                          .partition_epoch = replica->state.partition_epoch,
                          .isr = *wanted});
    }
    if (!wishes.empty()) callbacks_.alter_isr(std::move(wishes));
}

void Replicas::advance(Replica& replica) {
    const std::int64_t committed = replica.leader->committed_end(replica.log->end_offset());
    if (committed <= replica.high_watermark) return;
    replica.set_high_watermark(committed);
    wake_produce(replica);
    drain(replica.consumer_waiters, callbacks_.fetch_ready);
}

void Replicas::wake_produce(Replica& replica) {
    while (!replica.produce_waiters.empty() && replica.produce_waiters.front().offset <= replica.high_watermark) {
        const std::uint64_t request = replica.produce_waiters.front().request;
        replica.produce_waiters.pop_front();
        callbacks_.produce_progress(request);
    }
}

// The role has changed: everybody who waits has to look again.
void Replicas::wake_all(Replica& replica) {
    for (const auto& waiter : std::exchange(replica.produce_waiters, {})) callbacks_.produce_progress(waiter.request);
    wake_fetches(replica);
}

void Replicas::wake_fetches(Replica& replica) {
    drain(replica.consumer_waiters, callbacks_.fetch_ready);
    drain(replica.follower_waiters, callbacks_.fetch_ready);
}

void Replicas::drain(std::vector<std::uint64_t>& waiters, const std::function<void(std::uint64_t)>& wake) {
    for (const std::uint64_t request : std::exchange(waiters, {})) wake(request);
}

}  // namespace medic::engine::broker
