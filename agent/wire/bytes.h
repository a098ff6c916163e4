// Kafka's primitive types on the wire: a bounded Reader over a span and an appending Writer.
// Neither throws, and no length that was read is used before it was compared with what is left.
// Used by the codec and by record batches; rooms above use messages (frame.h) instead.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace medic::wire {

// Byte strings. std::string, because sockets, compression libraries and files all take char pointers and it moves for
// free.
using Bytes = std::string;
using BytesView = std::string_view;

struct Uuid {
    std::array<std::uint8_t, 16> bytes{};  // All zero: "no id" (Uuid.ZERO_UUID).
    auto operator<=>(const Uuid&) const = default;
};

// Reads big-endian primitives. The first error sticks: every later read returns zero or an empty view, so a decoder
// reads a whole message and asks for status() once.
class Reader {
public:
    explicit Reader(BytesView bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const { return error_.empty(); }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - at_; }
    [[nodiscard]] std::size_t position() const { return at_; }
    [[nodiscard]] BytesView rest() const { return bytes_.substr(at_); }

    std::int8_t int8();
    std::int16_t int16();
    std::uint16_t uint16();
    std::int32_t int32();
    std::uint32_t uint32();
    std::int64_t int64();
    Uuid uuid();
    std::uint32_t uvarint();  // UNSIGNED_VARINT: at most 5 bytes.
    std::int32_t varint();    // Zigzag, at most 5 bytes.
    std::int64_t varlong();   // Zigzag, at most 10 bytes.
    BytesView take(std::size_t size);

    // Records the first error; `reason` says what was found and what was expected.
    void fail(std::string reason);

    // ErrorCode::invalid with the position of the first error.
    [[nodiscard]] Status status() const;

private:
    template <class T>
    T fixed();
    std::uint64_t varuint(int bytes_max);

    BytesView bytes_;
    std::size_t at_ = 0;
    std::size_t failed_at_ = 0;
    std::string error_;
};

// Appends big-endian primitives to `out`, which must outlive the Writer.
class Writer {
public:
    explicit Writer(Bytes& out) : out_(&out) {}

    void int8(std::int8_t value) { out_->push_back(static_cast<char>(value)); }
    void int16(std::int16_t value);
    void uint16(std::uint16_t value);
    void int32(std::int32_t value);
    void uint32(std::uint32_t value);
    void int64(std::int64_t value);
    void uuid(const Uuid& value);
    void uvarint(std::uint32_t value) { varuint(value); }
    void varint(std::int32_t value) { varlong(value); }
    void varlong(std::int64_t value);
    void raw(BytesView bytes) { out_->append(bytes); }

private:
    template <class T>
    void fixed(T value);
    void varuint(std::uint64_t value);

    Bytes* out_;
};

// Bytes that a zigzag varint of this value takes.
[[nodiscard]] std::size_t varlong_size(std::int64_t value);

// Overwrites a fixed-width big-endian number in place; `at` + its width must lie within `bytes`.
void store_int16(char* at, std::int16_t value);
void store_int32(char* at, std::int32_t value);
void store_int64(char* at, std::int64_t value);
[[nodiscard]] std::int16_t load_int16(const char* at);
[[nodiscard]] std::int32_t load_int32(const char* at);
[[nodiscard]] std::int64_t load_int64(const char* at);

}  // namespace medic::wire
