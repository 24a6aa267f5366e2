// The binary pack: [u32 header length N][N bytes JSON][arrays, each 8-byte aligned], little endian.
import { Failure, Unreachable } from './failure';

export type NumberArray = Float32Array | Uint32Array | Uint16Array | Int16Array | Uint8Array | Int32Array;

const TYPES = { f4: Float32Array, u4: Uint32Array, u2: Uint16Array, i2: Int16Array, u1: Uint8Array, i4: Int32Array };
export type Dtype = keyof typeof TYPES;
type ArrayOf<D extends Dtype> = InstanceType<(typeof TYPES)[D]>;

interface ArrayHeader {
  dtype: string;
  shape: number[];
  offset: number;
}

interface Header {
  meta: unknown;
  arrays: Record<string, ArrayHeader>;
}

function broken(url: string, ja: string, en: string): Failure {
  return new Failure({ ja: `データの形式が正しくありません（${ja}）: ${url}`, en: `Malformed data (${en}): ${url}` });
}

export class Pack {
  constructor(
    readonly url: string,
    readonly meta: unknown,
    private readonly arrays: ReadonlyMap<string, { dtype: Dtype; shape: number[]; data: NumberArray }>,
  ) {}

  /** The array of that name; a Failure if the pack has none of that name and type. */
  array<D extends Dtype>(name: string, dtype: D): ArrayOf<D> {
    const entry = this.arrays.get(name);
    if (entry === undefined) throw broken(this.url, `配列「${name}」がありません`, `array "${name}" is missing`);
    if (entry.dtype !== dtype) {
      const [ja, en] = [`配列「${name}」の型が ${entry.dtype}、必要なのは ${dtype}`, `array "${name}" is ${entry.dtype}, not ${dtype}`];
      throw broken(this.url, ja, en);
    }
    return entry.data as ArrayOf<D>;
  }

  has(name: string): boolean {
    return this.arrays.has(name);
  }

  shape(name: string): number[] {
    return this.arrays.get(name)?.shape ?? [];
  }
}

export function parsePack(url: string, buffer: ArrayBuffer): Pack {
  if (buffer.byteLength < 4) throw broken(url, 'ヘッダーより短い', 'shorter than its header');
  const length = new DataView(buffer).getUint32(0, true);
  const start = 4 + length;
  if (start > buffer.byteLength || start % 8 !== 0) throw broken(url, `ヘッダー長 ${length}`, `header length ${length}`);
  let header: Header;
  try {
    header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Header;
  } catch (error) {
    throw broken(url, `ヘッダーが JSON ではない: ${String(error)}`, `header is not JSON: ${String(error)}`);
  }
  const arrays = new Map<string, { dtype: Dtype; shape: number[]; data: NumberArray }>();
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    if (!(dtype in TYPES)) throw broken(url, `配列「${name}」の型 ${dtype} は不明`, `array "${name}" has unknown type ${dtype}`);
    const known = dtype as Dtype;
    const count = shape.reduce((product, size) => product * size, 1);
    const end = start + offset + count * TYPES[known].BYTES_PER_ELEMENT;
    if (offset % 8 !== 0 || end > buffer.byteLength) throw broken(url, `配列「${name}」がファイルの外`, `array "${name}" lies outside the file`);
    arrays.set(name, { dtype: known, shape, data: new TYPES[known](buffer, start + offset, count) });
  }
  return new Pack(url, header.meta, arrays);
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreachable({ ja: `サーバーに接続できません: ${url}`, en: `The server cannot be reached: ${url}` });
  }
  if (!response.ok) {
    throw new Unreachable({
      ja: `データを取得できません（HTTP ${response.status}）: ${url}`,
      en: `The data could not be fetched (HTTP ${response.status}): ${url}`,
    });
  }
  return response;
}

export async function fetchPack(url: string, signal: AbortSignal): Promise<Pack> {
  const response = await get(url, signal);
  return parsePack(url, await response.arrayBuffer());
}

export async function fetchJson<T>(url: string, signal: AbortSignal): Promise<T> {
  const response = await get(url, signal);
  const body = await response.text();
  try {
    return JSON.parse(body) as T;
  } catch {
    throw broken(url, 'JSON ではない', 'not JSON');
  }
}
