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

template <class Request>
Status encoded(const Request& request, std::int16_t version) {
    const auto frame = encode_request({.version = version}, request);
    return frame ? Status{} : Status(std::unexpected(frame.error()));
}

// The first version that carries the field, and a message that says something by it.
template <class Request>
void expect_since(const char* what, std::int16_t first, const Request& says) {
    SCOPED_TRACE(what);
    EXPECT_TRUE(encoded(says, first));
    EXPECT_TRUE(encoded(Request{}, static_cast<std::int16_t>(first - 1)));
    const Status before = encoded(says, static_cast<std::int16_t>(first - 1));
    ASSERT_FALSE(before);
    EXPECT_EQ(before.error().code, ErrorCode::invalid);
    EXPECT_EQ(
        before.error().message,
        fmt::format("{0} v{1}: version {1} can't say what one of its fields says: that takes version {2} or later",
                    to_string(Request::api), first - 1, first));
}

// Kafka's clients throw UnsupportedVersionException there: an unclean election that an old broker would take for a
// preferred one, a filter that it would not see.
TEST(Versions, what_a_version_cannot_say_is_not_lost_in_silence) {
    expect_since("election", 1, ElectLeadersRequest{.election_type = 1});
    expect_since("transaction", 3, ProduceRequest{.transactional_id = "t"});
    expect_since("isolation", 2, ListOffsetsRequest{.isolation = 1});
    expect_since("no creation", 4, MetadataRequest{.topics = {{}}, .allow_auto_topic_creation = false});
    expect_since("operations", 3, DescribeGroupsRequest{.include_authorized_operations = true});
    expect_since("states", 4, ListGroupsRequest{.states = {"Empty"}});
    expect_since("types", 5, ListGroupsRequest{.types = {"consumer"}});
    expect_since("static member", 5, JoinGroupRequest{.group_instance_id = "i"});
    expect_since("static heartbeat", 3, HeartbeatRequest{.group_instance_id = "i"});
    expect_since("coordinator of transactions", 1, FindCoordinatorRequest{.key_type = 1});
    expect_since("stable offsets", 7, OffsetFetchRequest{.require_stable = true});
    expect_since("known producer", 3, InitProducerIdRequest{.producer_id = 7});
    expect_since("documentation", 3, DescribeConfigsRequest{.include_documentation = true});
    expect_since("controllers", 1, DescribeClusterRequest{.endpoint_type = 2});
    expect_since("long transactions", 1, ListTransactionsRequest{.duration_ms_min = 60'000});
    FetchRequest fetch;
    fetch.forgotten_topics.emplace_back().name = "t";
    expect_since("forgotten topics", 7, fetch);
    FetchRequest epoch;
    epoch.topics.emplace_back().partitions.emplace_back().last_fetched_epoch = 3;
    expect_since("epoch of the last fetch", 12, epoch);
}

TEST(Versions, what_ended_is_named_with_its_end) {
    const MetadataRequest request{.topics = {{}}, .include_cluster_authorized_operations = true};
    EXPECT_TRUE(encoded(request, 8));
    EXPECT_TRUE(encoded(request, 10));
    const Status status = encoded(request, 11);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().message.find("version 8 to 10"), std::string::npos) << status.error().message;
}

TEST(Versions, what_does_no_harm_is_left_out_and_two_forms_of_one_thing_fit_every_version) {
    EXPECT_TRUE(encoded(JoinGroupRequest{.reason = "said by the way"}, 0));
    EXPECT_TRUE(encoded(FetchRequest{.rack_id = "r1"}, 4));
    const FindCoordinatorRequest both{.key = "g", .keys = {"g"}};
    EXPECT_TRUE(encoded(both, 3));
    EXPECT_TRUE(encoded(both, 4));
}

TEST(Versions, a_tagged_text_may_be_null) {
    const Bytes plain = [] {
        Bytes out;
        Encoder encoder(12, true, out);
        detail::encode_into(encoder, FetchRequest{});
        return out;
    }();
    const auto with_tag = [&](BytesView section) { return plain.substr(0, plain.size() - 1) + Bytes(section); };
    const auto named = decode<FetchRequest>(with_tag(BytesView("\x01\x00\x02\x02k", 5)), 12);
    ASSERT_TRUE(named) << named.error().message;
    EXPECT_EQ(named->cluster_id, "k");
    const auto null = decode<FetchRequest>(with_tag(BytesView("\x01\x00\x01\x00", 4)), 12);
    ASSERT_TRUE(null) << null.error().message;
    EXPECT_EQ(null->cluster_id, std::nullopt);
}

TEST(AllMessages, cover_every_api_of_the_table) {
    std::set<ApiKey> seen;
    std::apply([&](const auto&... request) { (seen.insert(std::decay_t<decltype(request)>::api), ...); },
               AllRequests{});
    for (const ApiInfo& info : all_apis()) EXPECT_TRUE(seen.contains(info.key)) << info.name;
}

}  // namespace
}  // namespace medic::wire
