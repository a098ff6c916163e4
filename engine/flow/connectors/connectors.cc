#include "engine/flow/connectors/generator.h"
#include "engine/flow/connectors/kafka_source.h"

namespace medic::engine::flow {

std::unique_ptr<PartitionReader> make_partition_reader(const Node& node, const ReaderContext& context) {
    if (node.kafka) return make_kafka_source(*node.kafka, context);
    if (node.generator) return make_generator(*node.generator);
    throw std::invalid_argument("source '" + node.name + "' has no connector");
}

}  // namespace medic::engine::flow
