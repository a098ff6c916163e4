// Reads a topic's partitions over our own Kafka client. Progress lives in checkpoints; the group's committed offsets
// only let others see the lag.
#pragma once

#include "engine/flow/runtime/partition_reader.h"

namespace medic::engine::flow {

[[nodiscard]] std::unique_ptr<PartitionReader> make_kafka_source(const KafkaSourceOptions& options,
                                                                 const ReaderContext& context);

}  // namespace medic::engine::flow
