// A compact binary form for the broker's private records and requests (metadata log, broker ↔ controller).
// It is not the Kafka protocol: clients never see it. Used inside engine/broker only.
//
// A struct lists its members once with MEDIC_FIELDS; pack() and unpack() follow that order, so a member may only be
// added at the end together with a new record type or a new private API version.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "agent/wire/bytes.h"

namespace medic::engine::broker {

using wire::Uuid;

#define MEDIC_FIELDS(...)                           \
    auto fields() { return std::tie(__VA_ARGS__); } \
    auto fields() const { return std::tie(__VA_ARGS__); }

class Packer {
public:
    [[nodiscard]] std::string take() { return std::move(out_); }

    template <class T>
    void put(const T& value) {
        if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            out_.append(reinterpret_cast<const char*>(&value), sizeof value);
        } else {
            std::apply([this](const auto&... member) { (this->put(member), ...); }, value.fields());
        }
    }
    void put(const std::string& value) {
        put(static_cast<std::uint32_t>(value.size()));
        out_ += value;
    }
    void put(const Uuid& value) { out_.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()); }
    template <class T>
    void put(const std::optional<T>& value) {
        put(value.has_value());
        if (value) put(*value);
    }
    template <class T>
    void put(const std::vector<T>& values) {
        put(static_cast<std::uint32_t>(values.size()));
        for (const T& value : values) put(value);
    }

private:
    std::string out_;
};

// Never reads past its input: after the first short or absurd field everything decodes as zero and ok() is false.
class Unpacker {
public:
    explicit Unpacker(std::string_view in) : in_(in) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::string_view rest() const { return in_; }

    template <class T>
    void get(T& value) {
        if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            if (!has(sizeof value)) return;
            std::memcpy(&value, in_.data(), sizeof value);
            in_.remove_prefix(sizeof value);
        } else {
            std::apply([this](auto&... member) { (this->get(member), ...); }, value.fields());
        }
    }
    void get(bool& value) {
        std::uint8_t byte = 0;
        get(byte);
        value = byte != 0;
    }
    void get(std::string& value) {
        std::uint32_t size = 0;
        get(size);
        if (!has(size)) return;
        value.assign(in_.substr(0, size));
        in_.remove_prefix(size);
    }
    void get(Uuid& value) {
        if (!has(value.bytes.size())) return;
        std::memcpy(value.bytes.data(), in_.data(), value.bytes.size());
        in_.remove_prefix(value.bytes.size());
    }
    template <class T>
    void get(std::optional<T>& value) {
        bool present = false;
        get(present);
        value.reset();
        if (present && ok_) get(value.emplace());
    }
    template <class T>
    void get(std::vector<T>& values) {
        std::uint32_t size = 0;
        get(size);
        values.clear();
        if (!has(size)) return;  // Every element takes at least one byte.
        values.reserve(size);
        for (std::uint32_t i = 0; i < size && ok_; ++i) get(values.emplace_back());
    }

private:
    bool has(std::size_t bytes) {
        if (ok_ && in_.size() < bytes) ok_ = false;
        return ok_;
    }

    std::string_view in_;
    bool ok_ = true;
};

template <class T>
[[nodiscard]] std::string pack(const T& value) {
    Packer packer;
    packer.put(value);
    return packer.take();
}

template <class T>
[[nodiscard]] std::optional<T> unpack(std::string_view bytes) {
    Unpacker unpacker(bytes);
    std::optional<T> value(std::in_place);
    unpacker.get(*value);
    if (!unpacker.ok()) value.reset();
    return value;
}

}  // namespace medic::engine::broker
