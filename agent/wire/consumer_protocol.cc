#include "agent/wire/consumer_protocol.h"

#include <algorithm>

namespace medic::wire {
namespace {

template <class T>
Result<Bytes> encode(const T& value, std::int16_t version) {
    if (version < 0 || version > T::kVersionMax)
        return fail(ErrorCode::invalid, "consumer protocol version {}: expected 0–{}", version, T::kVersionMax);
    Bytes out;
    Writer(out).int16(version);
    Encoder encoder(version, false, out);
    encoder.structure(const_cast<T&>(value));  // As in frame.h: an Encoder never changes it.
    MEDIC_CHECK(encoder.status());
    return out;
}

template <class T>
Result<T> decode(BytesView bytes, std::string_view what) {
    Reader reader(bytes);
    const std::int16_t version = reader.int16();
    if (reader.ok() && version < 0) reader.fail(fmt::format("version {}", version));
    if (const Status status = reader.status(); !status) return wrap(status.error(), what);
    Decoder decoder(std::min(version, T::kVersionMax), false, reader.rest());
    T value;
    decoder.structure(value);
    if (const Status status = decoder.status(); !status) return wrap(status.error(), what);
    return value;
}

}  // namespace

void TopicPartitions::fields(Codec& c) {
    c(topic);
    c(partitions);
}

void ConsumerSubscription::fields(Codec& c) {
    c(topics);
    c.bytes(user_data);
    c(owned, since(1));
    c(generation_id, since(2));
    c(rack_id, since(3));
}

void ConsumerAssignment::fields(Codec& c) {
    c(assigned);
    c.bytes(user_data);
}

Result<Bytes> encode_consumer(const ConsumerSubscription& subscription, std::int16_t version) {
    return encode(subscription, version);
}
Result<Bytes> encode_consumer(const ConsumerAssignment& assignment, std::int16_t version) {
    return encode(assignment, version);
}
Result<ConsumerSubscription> decode_subscription(BytesView bytes) {
    return decode<ConsumerSubscription>(bytes, "consumer subscription");
}
Result<ConsumerAssignment> decode_assignment(BytesView bytes) {
    return decode<ConsumerAssignment>(bytes, "consumer assignment");
}

}  // namespace medic::wire
