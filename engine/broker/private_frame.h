// Frames of the private API (private_api.h): Kafka's request header v1 without client id, then the packed struct.
#pragma once

#include <span>

#include "agent/wire/bytes.h"
#include "engine/broker/private_api.h"

namespace medic::engine::broker {

inline constexpr std::size_t private_header_bytes = 10;  // API key, version, correlation id, null client id.

// A request without its size; Peer fills in the correlation id.
template <class T>
[[nodiscard]] std::string private_request(PrivateApi api, const T& body) {
    std::string frame;
    wire::Writer writer(frame);
    writer.int16(static_cast<std::int16_t>(api));
    writer.int16(0);
    writer.int32(0);
    writer.int16(-1);
    return frame + pack(body);
}

// A whole response frame.
template <class T>
[[nodiscard]] std::string private_response(std::int32_t correlation, const T& body) {
    const std::string packed = pack(body);
    std::string frame;
    wire::Writer writer(frame);
    writer.int32(static_cast<std::int32_t>(packed.size() + 4));
    writer.int32(correlation);
    return frame + packed;
}

struct FrameHead {
    std::int16_t api_key = 0;
    std::int16_t version = 0;
    std::int32_t correlation = 0;
};
// `frame` has at least eight bytes (the server checks).
[[nodiscard]] inline FrameHead frame_head(std::span<const char> frame) {
    return {wire::load_int16(frame.data()), wire::load_int16(frame.data() + 2), wire::load_int32(frame.data() + 4)};
}

template <class T>
[[nodiscard]] std::optional<T> private_body(std::span<const char> frame) {
    if (frame.size() < private_header_bytes) return std::nullopt;
    return unpack<T>(std::string_view(frame.data(), frame.size()).substr(private_header_bytes));
}

}  // namespace medic::engine::broker
