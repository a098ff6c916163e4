// Test support: a Codec that fills any message with seeded values, in exactly the fields that a version has.
#pragma once

#include <algorithm>
#include <random>

#include "agent/wire/codec.h"

namespace medic::wire {

class Filler final : public Codec {
public:
    Filler(std::int16_t version, bool flexible, std::uint32_t seed) : Codec(version, flexible), random_(seed) {}

protected:
    void on(bool& field) override { field = coin(); }
    void on(std::int8_t& field) override { field = integer<std::int8_t>(); }
    void on(std::int16_t& field) override { field = integer<std::int16_t>(); }
    void on(std::uint16_t& field) override { field = static_cast<std::uint16_t>(random_()); }
    void on(std::int32_t& field) override { field = integer<std::int32_t>(); }
    void on(std::int64_t& field) override { field = integer<std::int64_t>(); }
    void on(double& field) override { field = integer<std::int32_t>() / 8.0; }
    void on(Uuid& field) override {
        for (auto& byte : field.bytes) byte = static_cast<std::uint8_t>(random_());
    }
    void on(std::string& field) override { field = text(); }
    void on(std::optional<std::string>& field, bool null_allowed) override {
        if (null_allowed && coin())
            field.reset();
        else
            field = text();
    }
    void on_bytes(Bytes& field) override { field = text(); }
    void on_nullable_bytes(std::optional<Bytes>& field) override {
        if (coin())
            field.reset();
        else
            field = text();
    }
    void on_records(std::optional<BytesView>& field) override {
        static constexpr BytesView kRecords("\0\1\2\3records\xff\xfe", 13);
        if (coin())
            field.reset();
        else
            field = kRecords.substr(0, random_() % (kRecords.size() + 1));
    }
    std::int64_t on_array(std::int64_t, std::size_t, bool null_allowed) override {
        // Short arrays, so that nested ones stay small; now and then one whose compact length takes two bytes.
        if (null_allowed && coin()) return kNull;
        return random_() % 40 == 0 ? 130 : static_cast<std::int64_t>(random_() % 3);
    }
    bool begin_tag(std::uint32_t, bool, TagScope&) override { return coin(); }
    void end_tag(std::uint32_t, TagScope&) override {}
    void end_structure() override {}
    bool good() const override { return true; }

private:
    bool coin() { return random_() % 2 == 0; }

    template <class T>
    T integer() {
        constexpr T kEdges[] = {0, 1, -1, std::numeric_limits<T>::max(), std::numeric_limits<T>::min()};
        if (coin()) return kEdges[random_() % std::size(kEdges)];
        return static_cast<T>((static_cast<std::uint64_t>(random_()) << 32) | random_());
    }

    std::string text() {
        std::string result(random_() % 50 == 0 ? 300 : random_() % 8, '\0');
        std::ranges::generate(result, [this] { return static_cast<char>(random_()); });
        return result;
    }

    std::mt19937 random_;
};

}  // namespace medic::wire
