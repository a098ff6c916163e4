#include "agent/wire/bytes.h"

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

namespace medic::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "the codec swaps every fixed-width number");

template <class T>
T load(const char* at) {
    std::make_unsigned_t<T> value;
    std::memcpy(&value, at, sizeof value);
    return static_cast<T>(std::byteswap(value));
}

template <class T>
void store(char* at, T value) {
    const auto swapped = std::byteswap(static_cast<std::make_unsigned_t<T>>(value));
    std::memcpy(at, &swapped, sizeof swapped);
}

constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

}  // namespace

template <class T>
T Reader::fixed() {
    const BytesView view = take(sizeof(T));
    return view.size() == sizeof(T) ? load<T>(view.data()) : T{};
}

std::int8_t Reader::int8() { return fixed<std::int8_t>(); }
std::int16_t Reader::int16() { return fixed<std::int16_t>(); }
std::uint16_t Reader::uint16() { return fixed<std::uint16_t>(); }
std::int32_t Reader::int32() { return fixed<std::int32_t>(); }
std::uint32_t Reader::uint32() { return fixed<std::uint32_t>(); }
std::int64_t Reader::int64() { return fixed<std::int64_t>(); }

Uuid Reader::uuid() {
    Uuid id;
    if (const BytesView view = take(id.bytes.size()); view.size() == id.bytes.size())
        std::memcpy(id.bytes.data(), view.data(), view.size());
    return id;
}

std::uint64_t Reader::varuint(int bytes_max) {
    std::uint64_t value = 0;
    for (int i = 0; i < bytes_max; ++i) {
        if (!ok()) return 0;
        if (at_ == bytes_.size()) {
            fail("truncated inside a varint");
            return 0;
        }
        const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) return value;
    }
    fail(fmt::format("varint longer than {} bytes", bytes_max));
    return 0;
}

std::uint32_t Reader::uvarint() {
    const std::uint64_t value = varuint(5);
    if (value > 0xffffffffULL) {
        fail("varint above 2^32-1");
        return 0;
    }
    return static_cast<std::uint32_t>(value);
}

std::int32_t Reader::varint() {
    const std::uint32_t value = uvarint();
    return static_cast<std::int32_t>((value >> 1) ^ (~(value & 1) + 1));
}

std::int64_t Reader::varlong() {
    const std::uint64_t value = varuint(10);
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

BytesView Reader::take(std::size_t size) {
    if (!ok()) return {};
    if (size > remaining()) {
        fail(fmt::format("truncated: {} bytes needed, {} left", size, remaining()));
        return {};
    }
    const BytesView view = bytes_.substr(at_, size);
    at_ += size;
    return view;
}

void Reader::fail(std::string reason) {
    if (!ok()) return;
    error_ = std::move(reason);
    failed_at_ = at_;
    at_ = bytes_.size();
}

Status Reader::status() const {
    if (ok()) return {};
    return medic::fail(ErrorCode::invalid, "byte {} of {}: {}", failed_at_, bytes_.size(), error_);
}

template <class T>
void Writer::fixed(T value) {
    char bytes[sizeof(T)];
    store(bytes, value);
    out_->append(bytes, sizeof bytes);
}

void Writer::int16(std::int16_t value) { fixed(value); }
void Writer::uint16(std::uint16_t value) { fixed(value); }
void Writer::int32(std::int32_t value) { fixed(value); }
void Writer::uint32(std::uint32_t value) { fixed(value); }
void Writer::int64(std::int64_t value) { fixed(value); }

void Writer::uuid(const Uuid& value) {
    out_->append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
}

void Writer::varuint(std::uint64_t value) {
    char bytes[10];
    std::size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = static_cast<char>(value);
    out_->append(bytes, size);
}

void Writer::varlong(std::int64_t value) { varuint(zigzag(value)); }

std::size_t varlong_size(std::int64_t value) {
    const auto bits = static_cast<std::size_t>(64 - std::countl_zero(zigzag(value) | 1));
    return (bits + 6) / 7;
}

void store_int16(char* at, std::int16_t value) { store(at, value); }
void store_int32(char* at, std::int32_t value) { store(at, value); }
void store_int64(char* at, std::int64_t value) { store(at, value); }
std::int16_t load_int16(const char* at) { return load<std::int16_t>(at); }
std::int32_t load_int32(const char* at) { return load<std::int32_t>(at); }
std::int64_t load_int64(const char* at) { return load<std::int64_t>(at); }

}  // namespace medic::wire
