// Frames: a four-byte size, a header and one message. Sans-I/O: whoever owns the socket cuts frames (frame_size) and
// hands them over without the size. Used by the Kafka client (agent/world/real) and by the embedded broker.
//
//     Bytes frame = *encode_request({.version = 9, .correlation_id = 1, .client_id = "medic"}, MetadataRequest{});
//     auto request = decode_request_header(view);              // api, version, correlation id, body
//     auto metadata = decode<MetadataRequest>(request->body, request->header.version);
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/wire/api.h"
#include "agent/wire/bytes.h"
#include "agent/wire/codec.h"

namespace medic::wire {

// Kafka's default for socket.request.max.bytes: larger frames are refused before anything is allocated.
inline constexpr std::int32_t kFrameBytesMax = 104'857'600;
inline constexpr std::size_t kSizePrefixBytes = 4;

struct RequestHeader {
    ApiKey api{};  // Filled in by encode_request from the message's type.
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id;
};

struct RequestView {
    RequestHeader header;
    BytesView body;
};

// A message names its API: `static constexpr ApiKey api`; a request also names its `Response`.
template <class T>
concept Message = requires(T& message, Codec& codec) {
    { T::api } -> std::convertible_to<ApiKey>;
    message.fields(codec);
};

// The size that the four bytes at `prefix` announce; invalid when negative or above `frame_bytes_max`.
[[nodiscard]] Result<std::size_t> frame_size(BytesView prefix, std::int32_t frame_bytes_max = kFrameBytesMax);

// Parses the header of a request frame. ErrorCode::invalid on garbage or on an API that is not spoken here. A version
// out of range is not an error for ApiVersions (the header is read as the newest known one; answer with version 0 and
// UNSUPPORTED_VERSION, KIP-511), for all others it is.
[[nodiscard]] Result<RequestView> decode_request_header(BytesView frame);

// Parses the header of a response frame and returns its body; invalid when the correlation id is another one.
[[nodiscard]] Result<BytesView> decode_response_header(BytesView frame, ApiKey api, std::int16_t version,
                                                       std::int32_t correlation_id);

namespace detail {
// Frames a body: `write` appends it to the buffer.
[[nodiscard]] Status check_version(ApiKey api, std::int16_t version);
void begin_request(Bytes& out, const RequestHeader& header);
void begin_response(Bytes& out, ApiKey api, std::int16_t version, std::int32_t correlation_id);
[[nodiscard]] Result<Bytes> finish_frame(Bytes out, ApiKey api, const Encoder& encoder);
[[nodiscard]] std::unexpected<Error> bad_message(ApiKey api, std::int16_t version, const Error& error);

template <Message T>
void encode_into(Encoder& encoder, const T& message) {
    // fields() serves reading as well and so takes its struct without const; an Encoder never changes it.
    encoder.structure(const_cast<T&>(message));
}
}  // namespace detail

// The whole frame with its size. invalid when the version is out of range or a field does not fit it.
template <Message T>
[[nodiscard]] Result<Bytes> encode_request(RequestHeader header, const T& request) {
    header.api = T::api;
    MEDIC_CHECK(detail::check_version(T::api, header.version));
    Bytes out;
    detail::begin_request(out, header);
    Encoder encoder(header.version, api_info(T::api).flexible(header.version), out);
    detail::encode_into(encoder, request);
    return detail::finish_frame(std::move(out), T::api, encoder);
}

template <Message T>
[[nodiscard]] Result<Bytes> encode_response(std::int16_t version, std::int32_t correlation_id, const T& response) {
    MEDIC_CHECK(detail::check_version(T::api, version));
    Bytes out;
    detail::begin_response(out, T::api, version, correlation_id);
    Encoder encoder(version, api_info(T::api).flexible(version), out);
    detail::encode_into(encoder, response);
    return detail::finish_frame(std::move(out), T::api, encoder);
}

// Reads a message's body, without header. Records stay views into `body`.
template <Message T>
[[nodiscard]] Result<T> decode(BytesView body, std::int16_t version) {
    MEDIC_CHECK(detail::check_version(T::api, version));
    Decoder decoder(version, api_info(T::api).flexible(version), body);
    T message;
    decoder.structure(message);
    if (const Status status = decoder.finish(); !status) return detail::bad_message(T::api, version, status.error());
    return message;
}

}  // namespace medic::wire
