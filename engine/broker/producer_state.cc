#include "engine/broker/producer_state.h"

namespace medic::engine::broker {
using wire::KafkaError;

ProducerState::Verdict ProducerState::check(const BatchHeader& batch) const {
    if (batch.producer_id == no_producer_id) return {};
    const auto found = producers_.find(batch.producer_id);
    if (found == producers_.end()) return {};  // Forgotten or new: any first sequence is accepted, as Kafka does.
    const Producer& producer = found->second;
    if (batch.producer_epoch < producer.epoch) return {KafkaError::invalid_producer_epoch, {}};
    if (batch.producer_epoch > producer.epoch) {
        return {batch.base_sequence == 0 ? KafkaError::none : KafkaError::out_of_order_sequence_number, {}};
    }
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

void ProducerState::note(const BatchHeader& batch) {
    if (batch.producer_id == no_producer_id || batch.is_control()) return;
    Producer& producer = producers_[batch.producer_id];
    if (producer.epoch != batch.producer_epoch) producer.batches.clear();
    producer.id = batch.producer_id;
    producer.epoch = batch.producer_epoch;
    producer.timestamp_ms = batch.max_timestamp;
    producer.batches.push_back({batch.base_sequence, batch.last_sequence(), batch.base_offset});
    if (producer.batches.size() > batches_max) producer.batches.erase(producer.batches.begin());
}

void ProducerState::expire_before(std::int64_t timestamp_ms) {
    std::erase_if(producers_, [&](const auto& entry) { return entry.second.timestamp_ms < timestamp_ms; });
}

std::string ProducerState::snapshot() const {
    std::vector<Producer> all;
    for (const auto& [id, producer] : producers_) all.push_back(producer);
    Packer packer;
    packer.put(all);
    return packer.take();
}

bool ProducerState::restore(std::string_view snapshot) {
    producers_.clear();
    std::vector<Producer> all;
    Unpacker unpacker(snapshot);
    unpacker.get(all);
    if (!unpacker.ok()) return false;
    for (auto& producer : all) producers_[producer.id] = std::move(producer);
    return true;
}

}  // namespace medic::engine::broker
