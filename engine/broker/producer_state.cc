#include "engine/broker/producer_state.h"

#include <algorithm>

namespace medic::engine::broker {
using wire::KafkaError;
namespace {

constexpr std::uint32_t snapshot_with_transactions = 0x314E5854;  // "TXN1"; an older one begins with a small count.

}  // namespace

ProducerState::Verdict ProducerState::check(const BatchHeader& batch) const {
    if (batch.producer_id == no_producer_id) return {};
    const auto found = producers_.find(batch.producer_id);
    if (found == producers_.end()) return {};  // Forgotten or new: any first sequence is accepted, as Kafka does.
    const Producer& producer = found->second;
    if (batch.is_control()) return check_marker(producer, batch);
    if (batch.producer_epoch < producer.epoch) return {KafkaError::invalid_producer_epoch, {}};
    if (batch.producer_epoch > producer.epoch) {
        return {batch.base_sequence == 0 ? KafkaError::none : KafkaError::out_of_order_sequence_number, {}};
    }
    // As Kafka has it: who has begun a transaction writes nothing outside of it.
    if (producer.transaction_start >= 0 && !batch.is_transactional()) return {KafkaError::invalid_txn_state, {}};
    for (const Batch& known : producer.batches) {
        if (known.base_sequence == batch.base_sequence && known.last_sequence == batch.last_sequence()) {
            return {KafkaError::none, known.base_offset};
        }
    }
    if (producer.batches.empty()) return {};
    const auto expected = static_cast<std::int32_t>(
        (static_cast<std::uint32_t>(producer.batches.back().last_sequence) + 1u) & 0x7FFF'FFFFu);
    return {batch.base_sequence == expected ? KafkaError::none : KafkaError::out_of_order_sequence_number, {}};
}

// Kafka's checkProducerEpoch and checkCoordinatorEpoch: an older producer or coordinator ends nothing.
ProducerState::Verdict ProducerState::check_marker(const Producer& producer, const BatchHeader& batch) {
    if (batch.producer_epoch < producer.epoch) return {KafkaError::invalid_producer_epoch, {}};
    if (batch.marker && batch.marker->coordinator_epoch < producer.coordinator_epoch)
        return {KafkaError::transaction_coordinator_fenced, {}};
    return {};
}

void ProducerState::note(const BatchHeader& batch) {
    if (batch.producer_id == no_producer_id) return;
    Producer& producer = producers_[batch.producer_id];
    if (producer.epoch != batch.producer_epoch) producer.batches.clear();
    producer.id = batch.producer_id;
    producer.epoch = batch.producer_epoch;
    producer.timestamp_ms = batch.max_timestamp;
    if (batch.is_control()) return end_transaction(producer, batch);
    producer.batches.push_back({batch.base_sequence, batch.last_sequence(), batch.base_offset});
    if (producer.batches.size() > batches_max) producer.batches.erase(producer.batches.begin());
    if (!batch.is_transactional() || producer.transaction_start >= 0) return;
    producer.transaction_start = batch.base_offset;
    open_.insert(batch.base_offset);
}

// A marker without a transaction (nothing was written here) ends nothing.
void ProducerState::end_transaction(Producer& producer, const BatchHeader& marker) {
    if (!marker.marker) return;
    producer.coordinator_epoch = marker.marker->coordinator_epoch;
    const std::int64_t first = std::exchange(producer.transaction_start, -1);
    if (first < 0) return;
    open_.erase(first);
    not_replicated_.push_back({first, marker.base_offset});
    if (!marker.marker->commit) aborted_.push_back({producer.id, first, marker.base_offset});
}

void ProducerState::clear() {
    producers_.clear();
    open_.clear();
    not_replicated_.clear();
    aborted_.clear();
}

void ProducerState::expire_before(std::int64_t timestamp_ms) {
    std::erase_if(producers_, [&](const auto& entry) {
        return entry.second.timestamp_ms < timestamp_ms && entry.second.transaction_start < 0;
    });
}

void ProducerState::note_high_watermark(std::int64_t high_watermark) {
    std::erase_if(not_replicated_, [&](const Ended& one) { return one.marker_offset < high_watermark; });
}

std::optional<std::int64_t> ProducerState::first_unstable() const {
    std::optional<std::int64_t> first;
    if (!open_.empty()) first = *open_.begin();
    for (const Ended& one : not_replicated_) first = std::min(first.value_or(one.first_offset), one.first_offset);
    return first;
}

std::vector<ProducerState::Aborted> ProducerState::aborted(std::int64_t from, std::int64_t to) const {
    std::vector<Aborted> found;
    std::ranges::copy_if(aborted_, std::back_inserter(found),
                         [&](const Aborted& one) { return one.marker_offset >= from && one.first_offset < to; });
    return found;
}

void ProducerState::forget_aborted_before(std::int64_t log_start) {
    std::erase_if(aborted_, [&](const Aborted& one) { return one.marker_offset < log_start; });
}

std::vector<ProducerState::Described> ProducerState::describe() const {
    std::vector<Described> all;
    for (const auto& [id, producer] : producers_)
        all.push_back({.id = id,
                       .epoch = producer.epoch,
                       .last_sequence = producer.batches.empty() ? -1 : producer.batches.back().last_sequence,
                       .timestamp_ms = producer.timestamp_ms,
                       .coordinator_epoch = producer.coordinator_epoch,
                       .transaction_start = producer.transaction_start});
    return all;
}

std::string ProducerState::snapshot() const {
    std::vector<Producer> all;
    for (const auto& [id, producer] : producers_) all.push_back(producer);
    Packer packer;
    packer.put(snapshot_with_transactions);
    packer.put(all);
    packer.put(not_replicated_);
    packer.put(aborted_);
    return packer.take();
}

bool ProducerState::restore(std::string_view snapshot) {
    clear();
    std::uint32_t kind = 0;
    std::vector<Producer> all;
    Unpacker unpacker(snapshot);
    unpacker.get(kind);
    unpacker.get(all);
    unpacker.get(not_replicated_);
    unpacker.get(aborted_);
    if (!unpacker.ok() || kind != snapshot_with_transactions) {
        clear();
        return false;
    }
    for (auto& producer : all) producers_[producer.id] = std::move(producer);
    for (const auto& [id, producer] : producers_)
        if (producer.transaction_start >= 0) open_.insert(producer.transaction_start);
    return true;
}

}  // namespace medic::engine::broker
