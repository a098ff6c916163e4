// How values become bytes: at exchanges between tasks, and in snapshots of state.
// Little endian, no padding, no schema inside: the reader must know what the writer wrote. Used by job code and by the
// engine.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace medic::engine::flow {

class ByteWriter {
public:
    explicit ByteWriter(std::string& out) : out_(out) {}

    template <class Number>
        requires std::is_arithmetic_v<Number>
    void number(Number value) {
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        out_.append(bytes, sizeof value);
    }
    // Seven bits a byte, least significant first: small numbers take one byte.
    void varint(std::uint64_t value) {
        while (value >= 0x80) {
            out_.push_back(static_cast<char>(value | 0x80));
            value >>= 7;
        }
        out_.push_back(static_cast<char>(value));
    }
    void bytes(std::string_view value) {
        varint(value.size());
        out_.append(value);
    }

private:
    std::string& out_;
};

// Throws std::runtime_error when asked for more than there is: bytes of another format, or a torn file.
class ByteReader {
public:
    explicit ByteReader(std::string_view in) : at_(in.data()), end_(in.data() + in.size()) {}

    template <class Number>
        requires std::is_arithmetic_v<Number>
    Number number() {
        need(sizeof(Number));
        Number value;
        std::memcpy(&value, at_, sizeof value);
        at_ += sizeof value;
        return value;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            need(1);
            const auto byte = static_cast<unsigned char>(*at_++);
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) return value;
        }
        throw std::runtime_error("malformed varint: more than 10 bytes");
    }
    // Valid for as long as the bytes that were read from.
    std::string_view bytes() { return raw(varint()); }
    std::string_view raw(std::uint64_t size) {
        need(size);
        const std::string_view value(at_, size);
        at_ += size;
        return value;
    }
    [[nodiscard]] bool empty() const { return at_ == end_; }

private:
    void need(std::uint64_t size) const {
        if (static_cast<std::uint64_t>(end_ - at_) < size)
            throw std::runtime_error("serialised value ends early: written by another version of its type?");
    }

    const char* at_;
    const char* end_;
};

// Serializer<T>::write(value, writer) and ::read(reader). Numbers, enums, strings, pairs, optionals and vectors are
// known. For your own type, give it `void write(ByteWriter&) const` and `static T read(ByteReader&)`, or specialise
// this.
template <class T>
struct Serializer {
    static constexpr bool known =
        std::is_enum_v<T> || std::is_arithmetic_v<T> || requires(const T& value, ByteWriter& to, ByteReader& from) {
            value.write(to);
            T::read(from);
        };
    static void write(const T& value, ByteWriter& to)
        requires known
    {
        if constexpr (std::is_enum_v<T>) {
            to.number(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::is_arithmetic_v<T>) {
            to.number(value);
        } else {
            value.write(to);
        }
    }
    static T read(ByteReader& from)
        requires known
    {
        if constexpr (std::is_enum_v<T>) {
            return static_cast<T>(from.number<std::underlying_type_t<T>>());
        } else if constexpr (std::is_arithmetic_v<T>) {
            return from.number<T>();
        } else {
            return T::read(from);
        }
    }
};

template <>
struct Serializer<std::string> {
    static void write(const std::string& value, ByteWriter& to) { to.bytes(value); }
    static std::string read(ByteReader& from) { return std::string(from.bytes()); }
};

template <class A, class B>
struct Serializer<std::pair<A, B>> {
    static void write(const std::pair<A, B>& value, ByteWriter& to) {
        Serializer<A>::write(value.first, to);
        Serializer<B>::write(value.second, to);
    }
    static std::pair<A, B> read(ByteReader& from) {
        A first = Serializer<A>::read(from);
        B second = Serializer<B>::read(from);
        return {std::move(first), std::move(second)};
    }
};

template <class T>
struct Serializer<std::optional<T>> {
    static void write(const std::optional<T>& value, ByteWriter& to) {
        to.number<std::uint8_t>(value ? 1 : 0);
        if (value) Serializer<T>::write(*value, to);
    }
    static std::optional<T> read(ByteReader& from) {
        if (from.number<std::uint8_t>() == 0) return std::nullopt;
        return Serializer<T>::read(from);
    }
};

template <class T>
struct Serializer<std::vector<T>> {
    static void write(const std::vector<T>& value, ByteWriter& to) {
        to.varint(value.size());
        for (const T& item : value) Serializer<T>::write(item, to);
    }
    static std::vector<T> read(ByteReader& from) {
        std::vector<T> value;
        for (std::uint64_t left = from.varint(); left > 0; --left) value.push_back(Serializer<T>::read(from));
        return value;
    }
};

}  // namespace medic::engine::flow
