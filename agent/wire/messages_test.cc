// Properties that hold for every message in every version: what is written is read back, what is cut off is an error.
#include <gtest/gtest.h>

#include <set>

#include "agent/wire/filler_internal.h"
#include "agent/wire/frame.h"
#include "agent/wire/messages/all.h"

namespace medic::wire {
namespace {

template <class... Ts>
::testing::Types<Ts...> to_types(std::tuple<Ts...>);
template <class... Ts>
std::tuple<Ts..., typename Ts::Response...> with_responses(std::tuple<Ts...>);
using AllMessages = decltype(with_responses(AllRequests{}));

template <class T>
class EveryMessage : public ::testing::Test {
protected:
    static constexpr int kSeeds = 6;

    static T filled(std::int16_t version, std::uint32_t seed) {
        T message;
        Filler filler(version, flexible(version), seed);
        filler.structure(message);
        return message;
    }
    static bool flexible(std::int16_t version) { return api_info(T::api).flexible(version); }

    static Bytes body(const T& message, std::int16_t version) {
        Bytes out;
        Encoder encoder(version, flexible(version), out);
        detail::encode_into(encoder, message);
        EXPECT_TRUE(encoder.status()) << encoder.status().error().message;
        return out;
    }

    template <class Check>
    static void for_each_version(const Check& check) {
        const ApiInfo& info = api_info(T::api);
        for (std::int16_t version = info.version_min; version <= info.version_max; ++version) {
            SCOPED_TRACE(::testing::Message() << info.name << " v" << version);
            for (int seed = 1; seed <= kSeeds; ++seed)
                check(version, static_cast<std::uint32_t>(seed * 7919 + version));
        }
    }
};

struct Names {
    template <class T>
    static std::string GetName(int index) {
        constexpr bool kRequest = requires { typename T::Response; };
        return std::string(to_string(T::api)) + (kRequest ? "Request" : "Response") + std::to_string(index);
    }
};
TYPED_TEST_SUITE(EveryMessage, decltype(to_types(AllMessages{})), Names);

TYPED_TEST(EveryMessage, comes_back_as_it_was_sent) {
    this->for_each_version([this](std::int16_t version, std::uint32_t seed) {
        const TypeParam sent = this->filled(version, seed);
        const Bytes bytes = this->body(sent, version);
        const auto got = decode<TypeParam>(bytes, version);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_TRUE(*got == sent);
        EXPECT_EQ(this->body(*got, version), bytes);
    });
}

TYPED_TEST(EveryMessage, cut_off_at_any_byte_is_an_error) {
    this->for_each_version([this](std::int16_t version, std::uint32_t seed) {
        const Bytes bytes = this->body(this->filled(version, seed), version);
        // Long messages repeat themselves: every byte of the first 400, then every 17th.
        for (std::size_t size = 0; size < bytes.size(); size += size < 400 ? 1 : 17) {
            const auto got = decode<TypeParam>(BytesView(bytes).substr(0, size), version);
            ASSERT_FALSE(got) << size << " of " << bytes.size();
            EXPECT_EQ(got.error().code, ErrorCode::invalid);
        }
    });
}

TYPED_TEST(EveryMessage, with_bytes_left_over_is_an_error) {
    this->for_each_version([this](std::int16_t version, std::uint32_t seed) {
        EXPECT_FALSE(decode<TypeParam>(this->body(this->filled(version, seed), version) + "x", version));
    });
}

TYPED_TEST(EveryMessage, skips_unknown_tagged_fields) {
    this->for_each_version([this](std::int16_t version, std::uint32_t seed) {
        if (!this->flexible(version)) return;
        TypeParam sent;
        Filler filler(version, true, seed);
        filler.structure(sent);
        Bytes bytes = this->body(TypeParam{}, version);
        ASSERT_EQ(bytes.back(), '\0') << "a default message ends with an empty tagged section";
        bytes.back() = 1;
        bytes += BytesView("\x63\x03xyz", 5);  // One field, tag 99, three bytes.
        const auto got = decode<TypeParam>(bytes, version);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_TRUE(*got == TypeParam{});
    });
}

TYPED_TEST(EveryMessage, survives_any_changed_byte) {
    this->for_each_version([this](std::int16_t version, std::uint32_t seed) {
        Bytes bytes = this->body(this->filled(version, seed), version);
        for (std::size_t at = 0; at < std::min<std::size_t>(bytes.size(), 120); ++at) {
            for (const char flip : {'\x01', '\x80', '\xff'}) {
                bytes[at] = static_cast<char>(bytes[at] ^ flip);
                (void)decode<TypeParam>(bytes, version);  // Any result will do; sanitizers watch.
                bytes[at] = static_cast<char>(bytes[at] ^ flip);
            }
        }
    });
}

TEST(AllMessages, cover_every_api_of_the_table) {
    std::set<ApiKey> seen;
    std::apply([&](const auto&... request) { (seen.insert(std::decay_t<decltype(request)>::api), ...); },
               AllRequests{});
    for (const ApiInfo& info : all_apis()) EXPECT_TRUE(seen.contains(info.key)) << info.name;
}

}  // namespace
}  // namespace medic::wire
