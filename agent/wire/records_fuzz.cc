// Any bytes as record batches: every batch that parses is walked through, whatever its checksum says.
#include <cstdint>

#include "agent/wire/records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic::wire;
    BatchReader batches(BytesView(reinterpret_cast<const char*>(data), size));
    RecordReader reader;
    Record record;
    Bytes rebuilt;
    while (const auto batch = batches.next()) {
        (void)batch->check();
        reader.reset(*batch);
        BatchBuilder builder;
        while (reader.next(record)) builder.append(record.timestamp_ms, record.key, record.value, record.headers);
        if (builder.record_count() > 0) (void)builder.finish(rebuilt);
    }
    Bytes out;
    constexpr std::size_t kUnpackedMax = 1 << 20;  // Small: the fuzzer looks for crashes, not for memory.
    if (size > 0)
        (void)decompress(static_cast<Compression>(data[0] % 5),
                         BytesView(reinterpret_cast<const char*>(data), size).substr(1), out, kUnpackedMax);
    return 0;
}
