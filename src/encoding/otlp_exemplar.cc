// SPDX-License-Identifier: Apache-2.0
#include "otlp_exemplar.h"

#include <span>

#include "otlp_attributes.h"
#include "otlp_fields.h"
#include "otlp_metric.h"

FAST_TELEMETRY_BEGIN_NAMESPACE
namespace detail {

namespace {

constexpr std::size_t usual_size = 100;

void add_id(FieldCursor& message, FieldNumber field, std::span<const std::byte> id, std::size_t size) noexcept {
  if (!is_otlp_id(id, size)) return;
  message.begin(field, size);
  message.bytes({reinterpret_cast<const char*>(id.data()), size});
}

}  // namespace

void append_otlp_exemplar(ByteBuffer& out, FieldNumber field, const Exemplar& exemplar, const OtlpNumber& value,
                          const OtlpWindow& window, ByteBuffer& scratch) {
  OpenMessage message{out, field, usual_size};
  constexpr std::size_t time_value_and_ids = 9 + 9 + 10 + 18;
  FieldCursor head{out.prepare(time_value_and_ids)};
  head.fixed64_unless_0(ExemplarField::time_unix_nano, otlp_exemplar_time(exemplar, window));
  if (value.is_double) head.fixed64(ExemplarField::as_double, value.bits);
  add_id(head, ExemplarField::span_id, exemplar.span_id, 8);
  add_id(head, ExemplarField::trace_id, exemplar.trace_id, 16);
  if (!value.is_double) head.fixed64(ExemplarField::as_int, value.bits);
  out.commit(head.end());
  AttributeWriter attributes{out, scratch};
  for (const Label& label : exemplar.labels) attributes.write(ExemplarField::filtered_attributes, label);
  message.close();
}

}  // namespace detail
FAST_TELEMETRY_END_NAMESPACE
