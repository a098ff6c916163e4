// Any bytes as what the broker keeps in files and logs: no crash, and what is accepted is written and read again to the
// same bytes.
#include <cstdint>
#include <cstdlib>

#include "engine/broker/batch.h"
#include "engine/broker/cluster_image.h"
#include "engine/broker/group_records.h"
#include "engine/broker/producer_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace medic::engine::broker;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto record = decode_record(bytes)) {
        const std::string written = encode_record(*record);
        const auto again = decode_record(written);
        if (!again || encode_record(*again) != written) std::abort();
    }
    ProducerState producers;
    if (producers.restore(bytes)) {
        ProducerState again;
        if (!again.restore(producers.snapshot()) || again.snapshot() != producers.snapshot()) std::abort();
    }
    (void)decode_key(bytes);
    (void)decode_offset(bytes);
    (void)decode_group(bytes);
    if (const auto header = read_batch_header(bytes); header && header->size_bytes > 0)
        if (static_cast<std::size_t>(header->size_bytes) <= size)
            (void)checksum_holds(bytes.substr(0, static_cast<std::size_t>(header->size_bytes)));
    return 0;
}
