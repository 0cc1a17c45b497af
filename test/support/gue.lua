-- Wireshark 4.0 knows no GUE (draft-ietf-intarea-gue-09), so this tells it: versions 0 and 1 on UDP port 6080.
local gue = Proto('gue', 'Generic UDP Encapsulation')
local field = {
  version = ProtoField.uint8('gue.version', 'Version', base.DEC, nil, 0xc0),
  control = ProtoField.bool('gue.control', 'Control', 8, nil, 0x20),
  length = ProtoField.uint8('gue.hlen', 'Length of the optional fields, words', base.DEC, nil, 0x1f),
  protocol = ProtoField.uint8('gue.proto', 'Protocol', base.DEC),
  flags = ProtoField.uint16('gue.flags', 'Flags', base.HEX),
  private = ProtoField.uint32('gue.private', 'Private flags', base.HEX),
  start = ProtoField.uint16('gue.remcsum.start', 'Checksum starts at', base.DEC),
  offset = ProtoField.uint16('gue.remcsum.offset', 'Checksum is at', base.DEC),
}
for _, each in pairs(field) do table.insert(gue.fields, each) end
local bad = ProtoExpert.new('gue.bad', 'GUE that is none', expert.group.MALFORMED, expert.severity.ERROR)
gue.experts = { bad }

local inner = { [4] = Dissector.get('ip'), [41] = Dissector.get('ipv6') }

function gue.dissector(buffer, pinfo, tree)
  local version = buffer(0, 1):bitfield(0, 2)
  if version == 1 then
    return inner[buffer(0, 1):bitfield(0, 4) == 4 and 4 or 41]:call(buffer, pinfo, tree)
  end
  local words = buffer(0, 1):bitfield(3, 5)
  local bytes = 4 + 4 * words
  local branch = tree:add(gue, buffer(0, bytes))
  for _, each in ipairs({ 'version', 'control', 'length' }) do branch:add(field[each], buffer(0, 1)) end
  branch:add(field.protocol, buffer(1, 1))
  branch:add(field.flags, buffer(2, 2))
  local flags, expected = buffer(2, 2):uint(), 0
  if flags == 1 then
    branch:add(field.private, buffer(4, 4))
    branch:add(field.start, buffer(8, 2))
    branch:add(field.offset, buffer(10, 2))
    expected = 2
  end
  local dissector = inner[buffer(1, 1):uint()]
  if version ~= 0 or flags > 1 or words ~= expected or dissector == nil then
    branch:add_proto_expert_info(bad)
    return
  end
  dissector:call(buffer(bytes):tvb(), pinfo, tree)
end

DissectorTable.get('udp.port'):add(6080, gue)
