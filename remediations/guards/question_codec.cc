#include "remediations/guards/codec_internal.h"
#include "remediations/guards/guards.h"

namespace medic {

std::string encode_question(const GuardQuestion& question) { return codec::encode(question); }

Result<GuardQuestion> decode_question(std::string_view text) { return codec::decode<GuardQuestion>(text); }

}  // namespace medic
