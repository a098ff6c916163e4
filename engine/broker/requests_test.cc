#include "engine/broker/requests.h"

#include <gtest/gtest.h>

#include "agent/wire/messages/api_versions.h"
#include "agent/wire/messages/metadata.h"
#include "engine/broker/broker_scene_internal.h"

namespace medic::engine::broker {
namespace {

template <class Request>
std::string frame_of(const Request& request, std::int16_t version) {
    auto frame = wire::encode_request({.version = version}, request);
    if (!frame) return {};
    return frame->substr(wire::kSizePrefixBytes);
}

TEST(Requests, a_broker_without_metadata_tells_what_it_speaks_and_nothing_of_the_cluster) {
    const TemporaryFolder folder;
    BrokerScene scene(folder.path());
    scene.requests = std::make_unique<Requests>(scene.parts, Requests::Kept{scene.produce, scene.fetch, scene.groups});
    ASSERT_TRUE(scene.server.listen());
    scene.loop.on_round_end([&] { scene.server.flush_dirty(); });
    scene.loop.after(Duration(20'000), [&] {
        ADD_FAILURE() << "no answer";
        scene.loop.stop();
    });
    Peer peer(scene.loop, {.address = {"127.0.0.1", scene.server.port()}, .timeout = Duration(5'000)});
    peer.send(frame_of(wire::ApiVersionsRequest{}, 0), [&](Result<std::string_view> versions) {
        EXPECT_TRUE(versions);
        peer.send(frame_of(wire::MetadataRequest{}, 1), [&](Result<std::string_view> metadata) {
            EXPECT_FALSE(metadata) << "as if the cluster were empty";
            scene.loop.stop();
        });
    });
    scene.loop.run();
}

}  // namespace
}  // namespace medic::engine::broker
