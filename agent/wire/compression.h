// The compressions of record batches. Decodes all of Kafka's; encodes what our own producers use (none, lz4, zstd).
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/wire/bytes.h"

namespace medic::wire {

enum class Compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

[[nodiscard]] std::string_view to_string(Compression compression);

// A batch that unpacks to more is refused, whatever its header claims. Kafka's default for message.max.bytes is 1 MiB
// packed.
inline constexpr std::size_t kUnpackedBytesMax = 128u << 20;

// Replaces `out` by the unpacked bytes. invalid on corrupt input or beyond `bytes_max`.
// Snappy: raw blocks (librdkafka) and xerial's framing (Java).
[[nodiscard]] Status decompress(Compression compression, BytesView in, Bytes& out,
                                std::size_t bytes_max = kUnpackedBytesMax);

// Appends the packed bytes to `out`. invalid for gzip and snappy.
[[nodiscard]] Status compress(Compression compression, BytesView in, Bytes& out);

}  // namespace medic::wire
