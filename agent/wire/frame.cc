#include "agent/wire/frame.h"

namespace medic::wire {
namespace {

// Header fields as Kafka has them: the client id keeps its two-byte length even in flexible versions.
void write_client_id(Writer& writer, const std::optional<std::string>& client_id) {
    if (!client_id) {
        writer.int16(-1);
        return;
    }
    constexpr std::size_t kClientIdMax = INT16_MAX;
    const BytesView text = BytesView(*client_id).substr(0, kClientIdMax);
    writer.int16(static_cast<std::int16_t>(text.size()));
    writer.raw(text);
}

void skip_tagged_fields(Reader& reader) {
    for (std::uint32_t left = reader.uvarint(); left > 0 && reader.ok(); --left) {
        reader.uvarint();
        const std::uint32_t size = reader.uvarint();
        reader.take(size);
    }
}

}  // namespace

Result<std::size_t> frame_size(BytesView prefix, std::int32_t frame_bytes_max) {
    Reader reader(prefix);
    const std::int32_t size = reader.int32();
    MEDIC_CHECK(reader.status());
    if (size < 0 || size > frame_bytes_max)
        return fail(ErrorCode::invalid, "frame of {} bytes: expected 0–{}; is this a Kafka listener without TLS?", size,
                    frame_bytes_max);
    return static_cast<std::size_t>(size);
}

Result<RequestView> decode_request_header(BytesView frame) {
    Reader reader(frame);
    RequestView request;
    const std::int16_t key = reader.int16();
    request.header.version = reader.int16();
    request.header.correlation_id = reader.int32();
    MEDIC_CHECK(reader.status());
    const ApiInfo* const info = find_api(key);
    if (!info) return fail(ErrorCode::invalid, "API key {} is not supported", key);
    request.header.api = info->key;
    const std::int16_t version = request.header.version;
    if (!info->has(version) && info->key != ApiKey::api_versions)
        return fail(ErrorCode::invalid, "{} version {}: expected {}–{}", info->name, version, info->version_min,
                    info->version_max);
    const std::int16_t client_id_size = reader.int16();
    if (client_id_size < -1) reader.fail("negative length of the client id");
    if (client_id_size >= 0) request.header.client_id.emplace(reader.take(static_cast<std::size_t>(client_id_size)));
    if (info->request_header(version) >= 2) skip_tagged_fields(reader);
    if (const Status status = reader.status(); !status) return detail::bad_message(info->key, version, status.error());
    request.body = reader.rest();
    return request;
}

Result<BytesView> decode_response_header(BytesView frame, ApiKey api, std::int16_t version,
                                         std::int32_t correlation_id) {
    Reader reader(frame);
    const std::int32_t found = reader.int32();
    if (reader.ok() && found != correlation_id)
        reader.fail(fmt::format("correlation id {}, expected {}", found, correlation_id));
    if (api_info(api).response_header(version) >= 1) skip_tagged_fields(reader);
    if (const Status status = reader.status(); !status) return detail::bad_message(api, version, status.error());
    return reader.rest();
}

namespace detail {

Status check_version(ApiKey api, std::int16_t version) {
    const ApiInfo& info = api_info(api);
    if (info.has(version)) return {};
    return fail(ErrorCode::invalid, "{} version {}: expected {}–{}", info.name, version, info.version_min,
                info.version_max);
}

void begin_request(Bytes& out, const RequestHeader& header) {
    Writer writer(out);
    writer.int32(0);  // The size; finish_frame knows it.
    writer.int16(static_cast<std::int16_t>(header.api));
    writer.int16(header.version);
    writer.int32(header.correlation_id);
    write_client_id(writer, header.client_id);
    if (api_info(header.api).request_header(header.version) >= 2) writer.uvarint(0);
}

void begin_response(Bytes& out, ApiKey api, std::int16_t version, std::int32_t correlation_id) {
    Writer writer(out);
    writer.int32(0);
    writer.int32(correlation_id);
    if (api_info(api).response_header(version) >= 1) writer.uvarint(0);
}

Result<Bytes> finish_frame(Bytes out, ApiKey api, const Encoder& encoder) {
    if (const Status status = encoder.status(); !status) return bad_message(api, encoder.version(), status.error());
    const std::size_t size = out.size() - kSizePrefixBytes;
    if (size > static_cast<std::size_t>(INT32_MAX))
        return fail(ErrorCode::invalid, "{}: frame of {} bytes does not fit the protocol", to_string(api), size);
    store_int32(out.data(), static_cast<std::int32_t>(size));
    return out;
}

std::unexpected<Error> bad_message(ApiKey api, std::int16_t version, const Error& error) {
    return fail(error.code, "{} v{}: {}", to_string(api), version, error.message);
}

}  // namespace detail
}  // namespace medic::wire
