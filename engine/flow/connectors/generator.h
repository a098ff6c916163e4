// Numbered empty records: the job makes its values from partition and index.
#pragma once

#include "engine/flow/runtime/partition_reader.h"

namespace medic::engine::flow {

[[nodiscard]] std::unique_ptr<PartitionReader> make_generator(const GeneratorOptions& options);

}  // namespace medic::engine::flow
