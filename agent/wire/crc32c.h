// CRC-32C (Castagnoli), the checksum of record batches: in hardware where the processor has it, else by table.
#pragma once

#include <cstdint>

#include "agent/wire/bytes.h"

namespace medic::wire {

[[nodiscard]] std::uint32_t crc32c(BytesView bytes);

// The table variant, for processors without SSE 4.2; the same value.
[[nodiscard]] std::uint32_t crc32c_portable(BytesView bytes);

}  // namespace medic::wire
