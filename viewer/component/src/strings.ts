/** Every sentence the component shows, in both languages. */
export type Lang = 'ja' | 'en';

export interface Text {
  ja: string;
  en: string;
}

const table = {
  view: { ja: '3D都市ビュー。矢印キーで移動、＋と－で拡大縮小、スペースで再生、[ と ] でコマ送り、Homeで全体表示', en: '3D view of the city. Arrow keys pan, plus and minus zoom, space plays, [ and ] step one frame, Home shows everything' },
  empty: { ja: '表示する都市データが選ばれていません。', en: 'No city data has been chosen yet.' },
  loading: { ja: '読み込み中', en: 'Loading' },
  play: { ja: '再生', en: 'Play' },
  pause: { ja: '一時停止', en: 'Pause' },
  previous: { ja: '前のコマ', en: 'Previous frame' },
  next: { ja: '次のコマ', en: 'Next frame' },
  time: { ja: '経過時間', en: 'Elapsed time' },
  speed: { ja: '再生速度', en: 'Playback speed' },
  timeBar: { ja: '時間の操作', en: 'Time controls' },
  viewBar: { ja: '視点の操作', en: 'View controls' },
  zoomIn: { ja: '拡大', en: 'Zoom in' },
  zoomOut: { ja: '縮小', en: 'Zoom out' },
  home: { ja: '全体を表示', en: 'Show everything' },
  north: { ja: '北を上にする', en: 'Turn north up' },
  scale: { ja: '縮尺', en: 'Scale' },
  legend: { ja: '凡例', en: 'Legend' },
  depth: { ja: '浸水深', en: 'Water depth' },
  sea: { ja: '海・川', en: 'Sea, river' },
  usage: { ja: '建物の用途', en: 'Building use' },
  height: { ja: '建物の高さ', en: 'Building height' },
  maxDepth: { ja: '建物の最大浸水深', en: 'Maximum depth at buildings' },
  dry: { ja: '浸水なし', en: 'Not flooded' },
  unknown: { ja: '不明', en: 'Unknown' },
  noResult: { ja: '結果がまだありません', en: 'No result yet' },
  people: { ja: '人の状態', en: 'People' },
  sources: { ja: '出典', en: 'Sources' },
  queued: { ja: '順番待ち', en: 'Queued' },
  running: { ja: '計算中', en: 'Running' },
  cancelled: { ja: '中止されました', en: 'Cancelled' },
  failed: { ja: '計算に失敗しました', en: 'The run failed' },
  reconnecting: { ja: 'サーバーとの接続が切れました。再接続しています…', en: 'The connection to the server was lost. Trying again…' },
  contextLost: { ja: '画面の描画が中断されました。回復を待っています。戻らない場合はページを再読み込みしてください。', en: 'Drawing was interrupted. Waiting for it to recover; reload the page if it does not.' },
  noWebgl: { ja: 'このブラウザーでは3D表示（WebGL 2）を使えません。別のブラウザーをお試しください。', en: 'This browser cannot show 3D (WebGL 2). Please try another one.' },
} satisfies Record<string, Text>;

export type StringKey = keyof typeof table;

export function say(key: StringKey, lang: Lang): string {
  return table[key][lang];
}

export function both(key: StringKey): Text {
  return table[key];
}

/** "+01:25:00" for 5100 s; negative times get a minus sign. */
export function clock(seconds: number): string {
  const s = Math.round(Math.abs(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${seconds < 0 ? '−' : '+'}${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
